"""Kill runs and start them again; let a run go on for long and look at its memory.

    python -m benchmarks.survive                 kill -9 at 20 moments, the same command again, beside a run left alone
    python -m benchmarks.survive --rounds 200    resident memory over 200 rounds, and processes left, for both engines

Prints Markdown.
"""

import importlib
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import cli
from benchmarks.measure import environment, parser, table
from benchmarks.phases import VARIABLE
from benchmarks.steady import steady
from emlit.report import read_predictions

PHASES = {"fit": ("generation", "backward", "checkpoint"), "predict": ("generation", "writing")}
TITLES = {"checkpoint": "checkpoint writing", "writing": "prediction writing"}
TRIES = 10
Marks = list[tuple[float, str]]


@dataclass
class Run:
    """A command line of emlit, in a process of its own that is forked off this one: imports are paid for once."""

    arguments: list[str]

    def start(self) -> tuple[int, int]:
        """The process, and the pipe that its marks come from."""
        ours, theirs = os.pipe()
        process = os.fork()
        if process:
            os.close(theirs)
            return process, ours
        os.environ[VARIABLE] = str(theirs)
        os.set_inheritable(theirs, True)
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        try:
            cli.main(self.arguments)
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        except BaseException:
            traceback.print_exc()
            status = 1
        os._exit(status)

    def finish(self) -> Marks:
        """Run to the end; the marks with their times.

        Raises:
            SystemExit: it failed
        """
        process, pipe = self.start()
        with os.fdopen(pipe) as marks:
            found = [(time.perf_counter(), line.strip()) for line in marks]
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if status:
            raise SystemExit(f"python cli.py {' '.join(self.arguments)} ended with {status}")
        return found

    def killed(self, phase: str, occurrence: int, delay: float) -> str | None:
        """Start it, and kill it `delay` seconds into the n-th such phase; the phase's place, None where it was over."""
        process, pipe = self.start()
        begun, last = 0, ""
        with os.fdopen(pipe) as marks:
            for line in marks:
                begun += line.startswith(f"begin {phase} ")
                if begun == occurrence:
                    last = line
                    time.sleep(delay)
                    os.kill(process, signal.SIGKILL)
                    break
            for line in marks:  # what it still wrote
                last = line
        os.waitpid(process, 0)
        return last.split()[-1] if last.startswith(f"begin {phase} ") else None


def fit_command(run_dir: Path, steps: int) -> list[str]:
    """A run with micro-batches, a KL penalty and epochs of two rounds."""
    return [
        "fit", "--config", "configs/tiny/em_rl_token.yaml", f"--run_dir={run_dir}",
        "--ckpt_path=auto", "--data.engine=TransformersEngine", "--data.train.n=16", "--data.evaluation.n=4",
        "--data.evaluation_samples=2", "--data.prompts_per_round=8", "--data.samples_per_prompt=4",
        "--trainer.accumulate_grad_batches=2",
        f"--trainer.max_steps={steps}", "--checkpoint.every_n_steps=2",
        "--trainer.callbacks+=benchmarks.phases.PhaseMarks",
    ]  # fmt: skip


def predict_command(run_dir: Path, problems: int) -> list[str]:
    return [
        "predict", "--config", "configs/tiny/em_inf.yaml", f"--run_dir={run_dir}",
        "--data.engine=TransformersEngine", f"--data.evaluation.n={problems}", "--data.evaluation_samples=2",
        "--data.evaluation_batch_size=4", "--trainer.callbacks+=benchmarks.phases.PhaseMarks",
    ]  # fmt: skip


def durations(marks: Marks, phase: str) -> list[float]:
    begun = [moment for moment, line in marks if line.startswith(f"begin {phase} ")]
    ended = [moment for moment, line in marks if line.startswith(f"end {phase} ")]
    return [end - start for start, end in zip(begun, ended, strict=True)]


def kill_in(phase: str, command: list[str], marks: Marks, chance: random.Random) -> str:
    """Kill a run somewhere in `phase`; where: at which step, or after how many batches.

    A run that the signal reached after the phase is started again, and killed again.
    """
    lengths = durations(marks, phase)
    occurrence = chance.randrange(len(lengths))
    for attempt in range(1, TRIES + 1):
        # Runs are not equally quick; a little less than the whole length is aimed at, and less after each miss.
        delay = chance.random() * lengths[occurrence] * 0.8**attempt
        if (place := Run(command).killed(phase, occurrence + 1, delay)) is not None:
            return place
        occurrence = 0  # a run that goes on has fewer left
    raise SystemExit(f"no kill out of {TRIES} fell into {phase}")


def step_of(checkpoint: Path) -> int | None:
    """None where there is none; a half-written file would end the benchmark here."""
    return torch.load(checkpoint, weights_only=False)["global_step"] if checkpoint.exists() else None


def identical(one: Any, other: Any) -> bool:
    """Bit for bit, through dictionaries and lists."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(identical(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(identical, one, other))
    return one == other


def fit_moment(directory: Path, phase: str, steps: int, marks: Marks, whole: dict, chance: random.Random) -> list[str]:
    checkpoints = directory / "checkpoints"
    place = kill_in(phase, fit_command(directory, steps), marks, chance)
    partial = (checkpoints / "last.partial").exists()
    step = step_of(checkpoints / "last.ckpt")
    restarted = Run(fit_command(directory, steps)).finish()
    first = int(restarted[0][1].split()[-1])
    found = torch.load(checkpoints / "last.ckpt", weights_only=False)
    equal = all(identical(found[key], whole[key]) for key in ("state_dict", "optimizer_states", "lr_schedulers"))
    return [
        f"step {place}",
        "the start" if step is None else f"step {step}" if step == first else f"step {first}, NOT {step}",
        "yes" if partial else "no", "yes" if equal else "NO", "",
    ]  # fmt: skip


def predict_moment(
    directory: Path, phase: str, problems: int, marks: Marks, whole: Path, chance: random.Random
) -> list[str]:
    place = kill_in(phase, predict_command(directory, problems), marks, chance)
    part = directory / "predictions.rank0.jsonl"
    content = part.read_bytes() if part.exists() else b""
    Run(predict_command(directory, problems)).finish()
    found = read_predictions(directory / "predictions.jsonl")
    doubled = len(found) - len({(p.task, p.id, p.sample) for p in found})
    same = (directory / "predictions.jsonl").read_bytes() == whole.read_bytes()
    half = bool(content) and not content.endswith(b"\n")
    complete = f"all {len(found)}, the same" if same else f"NO: {len(found)}, {doubled} doubled"
    return [f"batch {place}", f"{content.count(bytes([10]))} predictions", "yes" if half else "no", "", complete]


def moments(directory: Path, count: int, seed: int, steps: int, problems: int) -> str:
    torch.set_num_threads(1)
    importlib.import_module("transformers.models.qwen2.modeling_qwen2")
    chance = random.Random(seed)
    fit_marks = Run(fit_command(directory / "whole", steps)).finish()
    whole = torch.load(directory / "whole/checkpoints/last.ckpt", weights_only=False)
    predict_marks = Run(predict_command(directory / "predicted", problems)).finish()
    phases = [("fit", phase) for phase in PHASES["fit"]] + [("predict", phase) for phase in PHASES["predict"]]
    rows = []
    for number in range(count):
        stage, phase = phases[number % len(phases)]
        target = directory / f"moment{number + 1}"
        if stage == "fit":
            cells = fit_moment(target, phase, steps, fit_marks, whole, chance)
        else:
            cells = predict_moment(
                target, phase, problems, predict_marks, directory / "predicted/predictions.jsonl", chance
            )
        rows.append([str(number + 1), stage, TITLES.get(phase, phase), *cells])
        print(rows[-1], file=sys.stderr, flush=True)
    header = [
        "moment", "command", "killed in", "killed at", "restarted from", "half-written file left",
        "parameters and moments equal, bit for bit", "predictions",
    ]  # fmt: skip
    found = table(header, rows)
    if any(cell.startswith("NO") or ", NOT" in cell for row in rows for cell in row):
        raise SystemExit(f"{found}\n\na run that was started again is not the same run")
    return found


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--moments", type=int, default=20)
    arguments_of.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments_of.add_argument("--steps", type=int, default=5, help="optimiser steps of a run")
    arguments_of.add_argument("--rounds", type=int, default=None, help="measure memory over so many rounds instead")
    arguments_of.add_argument("--engines", nargs="+", default=["TransformersEngine", "VLLMEngine"], help="for --rounds")
    arguments = arguments_of.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        if arguments.rounds is not None:
            print(steady(Path(directory), arguments.rounds, arguments.engines))
        elif arguments.smoke:
            print(moments(Path(directory), 5, arguments.seed, 3, 8))
        else:
            print(moments(Path(directory), arguments.moments, arguments.seed, arguments.steps, 24))
    print("\n" + environment())


if __name__ == "__main__":
    main()
