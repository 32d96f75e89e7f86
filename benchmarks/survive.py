"""Kill runs and start them again; let a run go on for long and look at its memory.

    python -m benchmarks.survive                 kill -9 at 20 moments, the same command again, beside a run left alone
    python -m benchmarks.survive --rounds 200    resident memory over 200 rounds, and processes left, for both engines

Prints Markdown.
"""

import importlib
import itertools
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

import cli
from benchmarks.measure import environment, parser, table
from benchmarks.phases import VARIABLE
from benchmarks.steady import steady
from emlit.report import read_predictions

PHASES = {"fit": ("generation", "backward", "checkpoint", "export"), "predict": ("generation", "writing", "merge")}
TITLES = {"checkpoint": "checkpoint writing", "writing": "prediction writing", "merge": "putting predictions together"}
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
        os.setsid()
        sys.argv = sys.argv[:1]  # its arguments are not the benchmark's
        os.nice(10)  # so that the killer is in time on a busy machine
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

    def killed(self, phase: str, skip: int, delays: Iterator[float]) -> str | None:
        """Start it, and kill it that many seconds into the first phase that lasts so long, after some that it skips.

        Returns:
            The phase's step or batch; None where the run ended before
        """
        process, pipe = self.start()
        content, place = b"", None
        while True:
            lines = content.decode().splitlines()
            begun = bool(lines) and lines[-1].startswith(f"begin {phase} ")
            if begun and sum(line.startswith(f"begin {phase} ") for line in lines) > skip:
                seconds = next(delays)
                if not select.select([pipe], [], [], seconds)[0]:
                    os.kill(process, signal.SIGKILL)
                    place = lines[-1].split()[-1]
                    break
            more = os.read(pipe, 4096)
            if not more:
                break
            content += more
        late = os.read(pipe, 4096)  # what it still told
        os.close(pipe)
        os.waitpid(process, 0)
        return None if late else place


def fit_command(run_dir: Path, steps: int) -> list[str]:
    """A short run with micro-batches, a KL penalty and epochs of two rounds."""
    return [
        "fit", "--config", "configs/tiny/em_rl_token.yaml", f"--run_dir={run_dir}", "--ckpt_path=auto",
        "--data.engine=TransformersEngine", "--data.train.n=16", "--data.prompts_per_round=8",
        "--data.samples_per_prompt=2", "--data.sampling.max_tokens=24", "--model.kl_weight=0.01",
        "--trainer.accumulate_grad_batches=2", f"--trainer.max_steps={steps}", "--checkpoint.every_n_steps=2",
        "--summary.enabled=false", "--trainer.callbacks+=benchmarks.phases.PhaseMarks",
    ]  # fmt: skip


def predict_command(run_dir: Path, problems: int) -> list[str]:
    return [
        "predict", "--config", "configs/tiny/em_inf.yaml", f"--run_dir={run_dir}", "--data.engine=TransformersEngine",
        f"--data.evaluation.n={problems}", "--data.evaluation_samples=2", "--data.evaluation_batch_size=4",
        "--data.sampling.max_tokens=24", "--trainer.callbacks+=benchmarks.phases.PhaseMarks",
    ]  # fmt: skip


def durations(marks: Marks, phase: str) -> list[float]:
    begun = [moment for moment, line in marks if line.startswith(f"begin {phase} ")]
    ended = [moment for moment, line in marks if line.startswith(f"end {phase} ")]
    return [end - start for start, end in zip(begun, ended, strict=True)]


def kill_in(phase: str, directory: Path, command: list[str], marks: Marks, chance: random.Random) -> str:
    """Kill a fresh run at a random moment of one of its phases, as long as they are in `marks`; at which step or batch.

    Where a phase is over too soon, the next one is tried with a smaller part of its length.
    """
    lengths = durations(marks, phase)
    delays = (chance.random() * min(lengths) * 0.8**attempt for attempt in itertools.count())
    for _ in range(TRIES):
        place = Run(command).killed(phase, chance.randrange(len(lengths)), delays)
        if place is not None:
            return place
        shutil.rmtree(directory)
    raise SystemExit(f"none of {TRIES} runs was hit in {phase}")


def step_of(checkpoint: Path) -> int | None:
    """None where there is none; a half-written file would end the benchmark here."""
    return torch.load(checkpoint, weights_only=True)["global_step"] if checkpoint.exists() else None


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
    place = kill_in(phase, directory, fit_command(directory, steps), marks, chance)
    partial = any(checkpoints.glob(".last.ckpt.*"))
    step = step_of(checkpoints / "last.ckpt")
    restarted = Run(fit_command(directory, steps)).finish()
    first = int(restarted[0][1].split()[-1]) if restarted else steps  # nothing was left to train
    found = torch.load(checkpoints / "last.ckpt", weights_only=True)
    equal = all(identical(found[key], whole[key]) for key in ("state_dict", "optimizer_states", "lr_schedulers"))
    exported = load_file(directory / "export/model.safetensors")
    equal &= all(torch.equal(tensor, whole["state_dict"][f"model.{name}"]) for name, tensor in exported.items())
    return [
        f"step {place}",
        "the start" if step is None else f"step {step}" if step == first else f"step {first}, NOT {step}",
        "yes" if partial else "no", "yes" if equal else "NO", "",
    ]  # fmt: skip


def predict_moment(
    directory: Path, phase: str, problems: int, marks: Marks, whole: Path, chance: random.Random
) -> list[str]:
    place = kill_in(phase, directory, predict_command(directory, problems), marks, chance)
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
    whole = torch.load(directory / "whole/checkpoints/last.ckpt", weights_only=True)
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
        "parameters, moments and export equal, bit for bit", "predictions",
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
            print(moments(Path(directory), 7, arguments.seed, 3, 8))
        else:
            print(moments(Path(directory), arguments.moments, arguments.seed, arguments.steps, 16))
    print("\n" + environment())


if __name__ == "__main__":
    main()
