"""Every decoding strategy on the embedded reasoner: docs/evaluation.md's table and figures.

    python -m benchmarks.strategies

Runs configs/tiny/eval.yaml once a seed and puts the seeds together. Prints Markdown.
"""

import json
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.measure import environment, parser, table
from emlit.report.figures import accuracy_by_tokens
from emlit.resilience.files import replacing
from emlit.resilience.marks import create

ROOT = Path(__file__).parents[1]
_SMOKE = ("--data.evaluation_samples=1", "--data.engine=TransformersEngine")
_COLUMNS = ("pass@1", "maj@4", "pass@4", "format_rate", "mean_length", "mean_entropy")


def run(run_dir: Path, seed: int, *more: str) -> list[dict[str, Any]]:
    """The rows of one seed's report."""
    target = run_dir / f"seed{seed}"
    command = [
        sys.executable, "cli.py", "predict", "--config", "configs/tiny/eval.yaml", f"--run_dir={target}",
        f"--seed_everything={seed}", *more,
    ]  # fmt: skip
    subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)
    return json.loads((target / "report.json").read_text())


def combine(runs: list[list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """By task, a row a decoding: means over seeds, with the least and the greatest pass@1 as its interval."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for rows in runs:
        for row in rows:
            groups[row["task"], row["decoding"]].append(row)
    tasks: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (task, decoding), members in groups.items():
        row: dict[str, Any] = {"decoding": decoding, "samples": sum(member["samples"] for member in members)}
        row |= {name: statistics.mean(member[name] for member in members) for name in _COLUMNS if name in members[0]}
        row["sampled_tokens"] = sum(member["sampled_tokens"] for member in members)
        row["seconds"] = statistics.mean(member["seconds"] for member in members)
        values = [member["pass@1"] for member in members]
        row["intervals"] = {"pass@1": [min(values), max(values)]}
        tasks[task].append(row)
    return tasks


def to_table(rows: list[dict[str, Any]]) -> str:
    names = [name for name in _COLUMNS[1:] if any(name in row for row in rows)]
    header = ["decoding", "pass@1 (range)", *names, "tokens an answer", "seconds"]
    cells = []
    for row in rows:
        low, high = row["intervals"]["pass@1"]
        shown = [f"{row[name]:.3f}" if name in row else "" for name in names]
        tokens = f"{row['sampled_tokens'] / row['samples']:.1f}"
        cells.append(
            [row["decoding"], f"{row['pass@1']:.3f} ({low:.3f} to {high:.3f})", *shown, tokens, f"{row['seconds']:.1f}"]
        )
    return table(header, cells)


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--run_dir", type=Path, default=Path("runs/strategies"))
    arguments_of.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments_of.add_argument("--figures", type=Path, help="write accuracy by tokens here, a figure a task")
    arguments = arguments_of.parse_args()
    seeds = arguments.seeds[:1] if arguments.smoke else arguments.seeds
    runs = [run(arguments.run_dir.absolute(), seed, *(_SMOKE if arguments.smoke else ())) for seed in seeds]
    for task, rows in combine(runs).items():
        print(f"\n{task}, seeds {', '.join(map(str, seeds))}: means (range over seeds)\n\n{to_table(rows)}")
        if arguments.figures is not None:
            title = f"{task}: means over {len(seeds)} seeds"
            with replacing(arguments.figures / f"strategies-{task}.png") as scratch, create(scratch) as file:
                accuracy_by_tokens(rows, title, bars="range").savefig(file, format="png")
    print(f"\n{environment()}")


if __name__ == "__main__":
    main()
