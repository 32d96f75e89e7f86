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
from pathlib import Path
from typing import Any

from benchmarks.cells import CELLS, MODELS, Cell
from benchmarks.collapse import kept_by
from benchmarks.measure import environment, parser, table
from emlit import tasks
from emlit.tiny.demo import command

HERE = Path(__file__).parent / "cells"

# A step is 32 completions of each method, eight at a time, which a laptop's memory holds.
_SINGLE = ("--data.prompts_per_round=32", "--data.samples_per_prompt=1", "--data.micro_batch_prompts=8")
_GROUPS = ("--data.prompts_per_round=8", "--data.samples_per_prompt=4", "--data.micro_batch_prompts=2")
RATES = {"whole": "1e-5", "lora": "3e-4"}
LORA = '{"r": 16, "alpha": 32, "target_modules": "all-linear"}'
METHODS = {
    "em_ft": ("emlit.modules.EMFT", *_SINGLE),
    "em_rl_token": ("emlit.modules.EMRL", "--model.reward=emlit.rewards.TokenEntropyReward", *_GROUPS),
    "em_rl_sequence": ("emlit.modules.EMRL", "--model.reward=emlit.rewards.SequenceLogProbReward", *_GROUPS),
    "grpo": (
        "emlit.modules.EMRL", "--model.reward=emlit.rewards.VerifiedAnswerReward",
        "--model.advantage=emlit.rewards.GRPO", *_GROUPS,
    ),
}  # fmt: skip


DECODED = (
    "cell", "decoding", "pass@1 (95 %)", "beside plain", "", "format", "right given format", "cut", "tokens an answer",
    "seconds",
)  # fmt: skip
FORESEEN = (
    "pass@1", "pass@4", "maj@4", "format_rate", "truncated", "token_entropy", "semantic_entropy", "agreement",
    "auroc_votes", "auroc_votes_within", "auroc", "auroc_within",
)  # fmt: skip
TRAINED = ("pass@1", "greedy", "maj@2", "pass@2", "format_rate", "mean_length", "mean_entropy")


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


def decode(runs: Runs, cell: Cell) -> list[list[str]]:
    """A row a decoding: what it does beside plain sampling, paired by problem."""
    place = runs.made(
        cell, "decodings", "report.json", "predict", "--config", str(HERE / "decodings.yaml"),
        "--model=emlit.modules.CausalLM", "--model.score=false", "--data.evaluation_samples=1",
        "--data.evaluation_batch_size=128",
    )  # fmt: skip
    if place is None:
        return []
    report = json.loads((place / "report.json").read_text())
    compared = json.loads((place / "comparisons.json").read_text())
    paired = {each["second"]: each for each in compared if each["first"] == report[0]["decoding"]}
    rows = []
    for found in report:
        low, high = found["intervals"]["pass@1"]
        gain = paired.get(found["decoding"], {}).get("difference")
        rows.append([
            cell.name, found["decoding"], f"{found['pass@1']:.3f} ({low:.3f} to {high:.3f})",
            f"{gain['value']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})" if gain else "",
            effect(gain) if gain else "", f"{found['format_rate']:.2f}", share(found.get("accuracy_given_format")),
            f"{found['truncated']:.2f}", f"{found['sampled_tokens_an_answer']:.0f}", f"{found['seconds']:.0f}",
        ])  # fmt: skip
    return rows


def effect(gain: dict[str, float]) -> str:
    """In a word, by whether the interval of a difference holds 0."""
    return "helps" if gain["low"] > 0 else "hurts" if gain["high"] < 0 else "no effect shown"


def foresee(runs: Runs, cell: Cell) -> dict[str, Any] | None:
    """What `validate` measures and expects."""
    place = runs.made(
        cell, "preflight", "report.json", "validate", "--model=emlit.modules.CausalLM", "--data.evaluation_samples=4",
        "--data.evaluation_batch_size=32",
    )  # fmt: skip
    return json.loads((place / "report.json").read_text())[0] if place else None


def train(
    runs: Runs, cell: Cell, method: str, seed: int, rate: str | None, steps: int, probe: int
) -> dict[str, Any] | None:
    """Train on the cell's other task without its labels (but GRPO); what summary.json says."""
    module, *more = METHODS[method]
    whole = cell.model == "smollm2"
    what = method if rate is None else f"{method}-{rate}"
    place = runs.made(
        cell, f"{what}-{seed}", "summary.json", "fit", f"--model={module}", *more,
        f"--model.learning_rate={rate or RATES['whole' if whole else 'lora']}",
        *(() if whole else (f"--model.lora={LORA}",)),
        *(("--model.dtype=bfloat16",) if runs.bfloat16 and not whole else ()),  # of the frozen weights
        "--data.train", json.dumps(runs.problems(cell.trained_on or cell.task, None)), "--data.evaluation_samples=2",
        f"--trainer.max_steps={1 if runs.smoke else steps}", "--summary.every_n_steps=5", f"--guard.prompts={probe}",
        f"--guard.start_samples={8 if probe > 16 else 4}",
        "--guard.every_n_steps=5", "--export.enabled=false", "--trainer.gradient_clip_val=1.0", "--overwrite=true",
        seed=seed,
    )  # fmt: skip
    return json.loads((place / "summary.json").read_text()) if place else None


def trained(name: str, summary: dict[str, Any]) -> list[list[str]]:
    """A row an evaluation; the one that the guard would keep is marked."""
    kept = kept_by(summary)["the guard"] if summary.get("guard") else None
    return [
        [f"{name}, step {each['step']}{', kept by the guard' if each['step'] == kept else ''}"]
        + [share(each.get(column)) for column in TRAINED]
        for each in summary["curve"]
    ]


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


def share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("what", choices=["preflight", "decode", "train", "grading"])
    arguments_of.add_argument("--run_dir", type=Path, default=Path("runs/real_cells"))
    arguments_of.add_argument("--weights", type=Path, help="a directory with the GGUF files")
    arguments_of.add_argument("--data", type=Path, help="a directory with svamp.jsonl, asdiv.jsonl, …")
    arguments_of.add_argument("--cells", nargs="+", choices=[cell.name for cell in CELLS], help="these alone")
    arguments_of.add_argument("--methods", nargs="+", choices=METHODS, default=["em_ft"])
    arguments_of.add_argument("--learning_rate", help="in place of 1e-5 for whole weights and 3e-4 for adapters")
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
    if arguments.what == "decode":
        rows = [row for cell in cells for row in decode(runs, cell)]
        print(f"\n{table(DECODED, rows)}")
    elif arguments.what == "preflight":
        rows = [
            [cell.name, *(share(found.get(key)) for key in FORESEEN), found["findings"][0]["level"]]
            for cell in cells
            if (found := foresee(runs, cell))
        ]
        print(f"\n{table(['cell', *FORESEEN, 'verdict'], rows)}")
    elif arguments.what == "grading":
        rows = []
        for cell in (cell for cell in cells if cell.form != "program"):
            counts, lines = disagreements(runs, cell)
            rows.append([cell.name, *map(str, counts)])
            print("\n".join(dict.fromkeys(lines)))
        print(f"\n{table(['cell', 'both right', 'emlit alone', 'math-verify alone', 'neither'], rows)}")
    else:
        rows = []
        for cell in (cell for cell in cells if cell.trained_on):
            for method in arguments.methods:
                for seed in arguments.seeds:
                    if found := train(
                        runs, cell, method, seed, arguments.learning_rate, arguments.steps, arguments.probe
                    ):
                        rows += trained(f"{cell.name}, {method}, seed {seed}", found)
        print(f"\n{table(['', *TRAINED], rows)}")
    print(f"\n{environment()}")


if __name__ == "__main__":
    main()
