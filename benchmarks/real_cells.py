"""What the decodings, the preflight and training do to real models on real problems: docs/real.md's tables.

    python -m benchmarks.real_cells preflight --data DIR --weights DIR
    python -m benchmarks.real_cells decode --data DIR --weights DIR
    python -m benchmarks.real_cells grading --data DIR
    python -m benchmarks.real_cells train --data DIR --weights DIR --methods em_ft em_rl_token

A cell is a model, a task and a form of the prompt. What has been finished in --run_dir is not run again, and what was
interrupted goes on. Without --data the problems come from the hub, without --weights the models.
"""

import json
import subprocess
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.cells import CELLS, MODELS, Cell
from benchmarks.cells.reading import braked
from benchmarks.cells.record import gathered
from benchmarks.measure import environment, parser, table
from benchmarks.method_cases import BRAKES
from benchmarks.real_tables import in_full, preflights, steps
from emlit import tasks
from emlit.tiny.demo import command

HERE = Path(__file__).parent / "cells"

# A step is 32 completions of each method, eight at a time, which a laptop's memory holds.
_SINGLE = ("--data.prompts_per_round=32", "--data.samples_per_prompt=1", "--data.micro_batch_prompts=8")
_GROUPS = ("--data.prompts_per_round=8", "--data.samples_per_prompt=4", "--data.micro_batch_prompts=2")
RATES = {"whole": "1e-5", "lora": "5e-5"}
LORA = '{"r": 16, "alpha": 32, "target_modules": "all-linear"}'
VOTES = '{"class_path": "emlit.strategies.SelfConsistency", "init_args": {"votes": 4, "temperature": 0.7}}'
METHODS = {
    "em_ft": ("emlit.modules.EMFT", *_SINGLE),
    "em_rl_token": ("emlit.modules.EMRL", "--model.reward=emlit.rewards.TokenEntropyReward", *_GROUPS),
    "em_rl_sequence": ("emlit.modules.EMRL", "--model.reward=emlit.rewards.SequenceLogProbReward", *_GROUPS),
    "grpo": (
        "emlit.modules.EMRL", "--model.reward=emlit.rewards.VerifiedAnswerReward",
        "--model.advantage=emlit.rewards.GRPO", *_GROUPS,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Runs:
    """Where runs are kept and what they are made from; None is the hub."""

    run_dir: Path
    weights: Path | None
    data: Path | None
    smoke: bool
    bfloat16: bool = False

    def problems(self, task: str, n: int | None) -> dict[str, Any]:
        """A task of so many of its first problems, as a config has it."""
        place = {"path": str(self.data / f"{task.lower()}.jsonl")} if self.data else {}
        return {"class_path": f"emlit.tasks.{task}", "init_args": {"system_prompt": None, "n": n, **place}}

    def made(self, cell: Cell, what: str, product: str, verb: str, *more: str, seed: int = 0) -> Path | None:
        """The directory of a run, which is made unless its product is there; None where it failed."""
        place = self.run_dir / cell.name / what
        if not (place / product).exists():
            file, name = MODELS[cell.model]
            small = ("--data.sampling.max_tokens=4", "--data.engine=TransformersEngine") if self.smoke else ()
            if self.bfloat16:
                small += ("--trainer.precision=bf16-mixed", "--data.engine=VLLMEngine", "--data.engine.dtype=bfloat16")
            arguments = [
                "--config", str(HERE / f"{cell.form}.yaml"), *more, f"--run_dir={place}", f"--seed_everything={seed}",
                f"--model.pretrained={self.weights / file if self.weights else name}", "--trainer.devices=1",
                "--data.evaluation", json.dumps(self.problems(cell.task, 2 if self.smoke else cell.problems)), *small,
            ]  # fmt: skip
            try:
                command(verb, *arguments)
            except subprocess.CalledProcessError as error:
                print(f"{cell.name}, {what}: ended with status {error.returncode}", flush=True)
                return None
        return place


def decode(runs: Runs, cell: Cell) -> None:
    """Plain sampling and what is compared with it, on the same problems."""
    runs.made(
        cell, "decodings", "report.json", "predict", "--config", str(HERE / "decodings.yaml"),
        "--model=emlit.modules.CausalLM", "--model.score=false", "--data.evaluation_samples=1",
        "--data.evaluation_batch_size=128", *(() if cell.form == "program" else (f"--data.strategies+={VOTES}",)),
    )  # fmt: skip


def foresee(runs: Runs, cell: Cell) -> None:
    """What `validate` measures and expects."""
    runs.made(
        cell, "preflight", "report.json", "validate", "--model=emlit.modules.CausalLM", "--data.evaluation_samples=4",
        "--data.evaluation_batch_size=32",
    )  # fmt: skip


def train(runs: Runs, cell: Cell, method: str, brake: str, seed: int, rate: str | None, steps: int, probe: int) -> None:
    """On the problems of the cell's other task without their labels (but GRPO)."""
    module, *more = METHODS[method]
    whole = cell.model == "smollm2"
    what = "-".join([method if brake == "none" else braked(method, brake), *([rate] if rate else [])])
    runs.made(
        cell, f"{what}-{seed}", "summary.json", "fit", f"--model={module}", *more, *BRAKES[brake],
        f"--model.learning_rate={rate or RATES['whole' if whole else 'lora']}",
        *(() if whole else (f"--model.lora={LORA}",)),
        *(("--model.dtype=bfloat16",) if runs.bfloat16 and not whole else ()),  # of the frozen weights
        "--data.train", json.dumps(runs.problems(cell.trained_on or cell.task, None)), "--data.evaluation_samples=2",
        f"--trainer.max_steps={1 if runs.smoke else steps}", "--summary.every_n_steps=5", f"--guard.prompts={probe}",
        f"--guard.start_samples={8 if probe > 16 else 4}",
        "--guard.every_n_steps=5", "--export.enabled=false", "--trainer.gradient_clip_val=1.0", "--overwrite=true",
        seed=seed,
    )  # fmt: skip


def disagreements(runs: Runs, cell: Cell) -> tuple[list[int], list[str]]:
    """How many completions both, emlit alone, bare math-verify alone and neither take for right; the differing ones."""
    from math_verify import parse, verify

    task = getattr(tasks, cell.task)(**runs.problems(cell.task, cell.problems)["init_args"])
    labels = {row.id: row.answer for row in task.rows()}
    counts, lines = [0, 0, 0, 0], []
    found = (runs.run_dir / cell.name).rglob("predictions.jsonl")
    for each in (json.loads(line) for file in found for line in file.read_text().splitlines()):
        label = labels[each["id"]]
        bare = verify(parse(f"${label}$"), parse(each["completion"]))
        counts[(0 if bare else 1) if each["correct"] else (2 if bare else 3)] += 1
        if bare != each["correct"]:
            lines.append(
                f"{cell.name} {each['id']}: {label!r}, emlit {each['answer']!r}: {each['completion'][-100:]!r}"
            )
    return counts, lines


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("what", choices=["preflight", "decode", "train", "grading"])
    arguments_of.add_argument("--run_dir", type=Path, default=Path("runs/real_cells"))
    arguments_of.add_argument("--weights", type=Path, help="a directory with the GGUF files")
    arguments_of.add_argument("--data", type=Path, help="a directory with svamp.jsonl, asdiv.jsonl, …")
    arguments_of.add_argument("--cells", nargs="+", choices=[cell.name for cell in CELLS], help="these alone")
    arguments_of.add_argument("--methods", nargs="+", choices=METHODS, default=["em_ft"])
    arguments_of.add_argument(
        "--brakes", nargs="+", choices=BRAKES, default=["none"], help="of benchmarks.method_cases"
    )
    arguments_of.add_argument("--learning_rate", help="in place of 1e-5 for whole weights and 5e-5 for adapters")
    arguments_of.add_argument("--steps", type=int, default=15, help="of training, 32 completions each")
    arguments_of.add_argument("--probe", type=int, default=64, help="prompts of the guard's probe")
    arguments_of.add_argument("--bfloat16", action="store_true", help="matrix products in bfloat16: for CPUs with AMX")
    arguments_of.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = arguments_of.parse_args()
    runs = Runs(
        arguments.run_dir.absolute(), arguments.weights and arguments.weights.absolute(),
        arguments.data and arguments.data.absolute(), arguments.smoke, arguments.bfloat16,
    )  # fmt: skip
    cells = [cell for cell in CELLS if not arguments.cells or cell.name in arguments.cells]
    if arguments.what == "grading":
        rows = []
        for cell in (cell for cell in cells if cell.form != "program"):
            counts, lines = disagreements(runs, cell)
            rows.append([cell.name, *map(str, counts)])
            print("\n".join(dict.fromkeys(lines)))
        print(f"\n{table(['cell', 'both right', 'emlit alone', 'math-verify alone', 'neither'], rows)}")
    else:
        for cell in cells:
            if arguments.what == "decode":
                decode(runs, cell)
            elif arguments.what == "preflight":
                foresee(runs, cell)
            elif cell.trained_on:
                for method, brake, seed in product(arguments.methods, arguments.brakes, arguments.seeds):
                    train(runs, cell, method, brake, seed, arguments.learning_rate, arguments.steps, arguments.probe)
        done = {name: found for name, found in gathered(runs.run_dir).items() if name in {each.name for each in cells}}
        made = {"decode": in_full, "preflight": preflights, "train": steps}[arguments.what]
        print(f"\n{made(done)}")
        if not runs.weights:
            print("\nThe weights were the hub's own, not the Q4 ones that the names say.")
    print(f"\n{environment()}")


if __name__ == "__main__":
    main()
