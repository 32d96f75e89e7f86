"""What a training step of each method costs beside EM-RL-token's: seconds of CPU time and memory.

    python -m benchmarks.step_cost                      the configs of configs/tiny, on a wide model of random weights
    python -m benchmarks.step_cost --pretrained FILE    on a real one

Each method is its tiny config with this model and the same prompts, completions and lengths, one thread, in a process
of its own, forked from one that has imported everything; EM-RL-token runs again beside every method, since machines
drift. CPU time, unlike seconds, hardly knows of other work on the machine. Prints Markdown.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import lightning as L
import torch

import emlit.command_line  # noqa: F401 (before it is forked: half a minute of each process)
from benchmarks.clock import StepClock
from benchmarks.measure import MIB, environment, median, parser, resident_of, table
from benchmarks.method_cases import METHODS, SINGLE
from benchmarks.step_model import make_model
from emlit import cli

ROOT = Path(__file__).parents[1]


class Cost(StepClock):
    """Writes what steps cost to `path` as JSON: CPU seconds of each, completions trained in each, peak memory."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        found = {
            "step": median(step["cpu"] for step in self.steps[1:] or self.steps),
            "completions": self.completions,
            "peak": resident_of(os.getpid(), "VmHWM"),
        }
        Path(self.path).write_text(json.dumps(found))


def one(method: str, model: Path, arguments: argparse.Namespace) -> dict[str, float]:
    prompts, samples = arguments.prompts, arguments.samples
    sizes = (prompts * samples, 1) if method in SINGLE else (1, prompts * samples) if method == "one_shot_em" else None
    with tempfile.TemporaryDirectory() as directory:
        found = Path(directory) / "cost.json"
        callback = json.dumps({"class_path": "benchmarks.step_cost.Cost", "init_args": {"path": str(found)}})
        words = [
            "fit", "--config", str(ROOT / f"configs/tiny/{method}.yaml"), f"--model.pretrained={model}",
            f"--run_dir={directory}/run", f"--trainer.max_steps={arguments.steps}", "--data.evaluation=null",
            f"--data.sampling.max_tokens={arguments.tokens}", "--data.engine=emlit.engines.TransformersEngine",
            f"--data.prompts_per_round={(sizes or (prompts,))[0]}", "--guard.mode=off", "--export.enabled=false",
            f"--data.samples_per_prompt={sizes[1] if sizes else samples}", f"--trainer.callbacks+={callback}",
        ]  # fmt: skip
        log = Path(directory) / "log"
        process = multiprocessing.get_context("fork").Process(target=_fit, args=(words, log))
        process.start()
        process.join()
        if process.exitcode:
            raise RuntimeError(f"{' '.join(words)} failed:\n{log.read_text()[-3000:]}")
        return json.loads(found.read_text())


def _fit(words: list[str], log: Path) -> None:
    with log.open("w") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        cli.main(words)


def row(method: str, mine: list[dict[str, float]], theirs: list[dict[str, float]]) -> list[str]:
    """Medians over repeats; ratios are to the runs beside them."""

    def ratio(of: Any) -> str:
        return f"{median(of(one) / of(other) for one, other in zip(mine, theirs, strict=True)):.2f}"

    return [
        method, f"{median(each['step'] for each in mine):.2f}", f"{mine[0]['completions']:.0f}",
        ratio(lambda each: each["step"]), ratio(lambda each: each["step"] / each["completions"]),
        f"{median(each['peak'] for each in mine) / MIB:.0f}", ratio(lambda each: each["peak"]),
    ]  # fmt: skip


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--methods", nargs="+", help="these alone")
    arguments_of.add_argument("--pretrained", help="this model in place of the wide one")
    arguments_of.add_argument("--vocabulary", type=int, default=49_152, help="of the wide model")
    arguments_of.add_argument("--prompts", type=int, default=8, help="in a step")
    arguments_of.add_argument("--samples", type=int, default=4, help="of each prompt")
    arguments_of.add_argument("--tokens", type=int, default=48, help="of a completion at most")
    arguments_of.add_argument("--steps", type=int, default=4, help="of a run; the first warms up")
    arguments_of.add_argument("--repeats", type=int, default=1)
    arguments = arguments_of.parse_args()
    methods = arguments.methods or [m for kind in METHODS.values() for m in kind]
    if arguments.smoke:
        methods, arguments.vocabulary, arguments.tokens, arguments.steps = ["clip_cov"], 1000, 4, 2
    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        model = Path(directory) / "model"
        make_model(model, "real" if arguments.pretrained else "wide", arguments)
        for method in methods:
            mine, theirs = [], []
            for _ in range(arguments.repeats):
                theirs.append(one("em_rl_token", model, arguments))
                mine.append(one(method, model, arguments))
            rows.append(row(method, mine, theirs))
            print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    header = ["", "CPU s a step", "completions", "of EM-RL-token's", "per completion", "peak, MiB", "of EM-RL-token's"]
    print(table(header, rows))
    print(f"\n{environment()}")


if __name__ == "__main__":
    main()
