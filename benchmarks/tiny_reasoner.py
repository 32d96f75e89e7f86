"""README's table: the three methods on the embedded reasoner, several seeds.

    python -m benchmarks.tiny_reasoner                  both difficulties, 3 seeds
    python -m benchmarks.tiny_reasoner --baselines      the same of what the paper compares with, and of self-certainty
    python -m benchmarks.tiny_reasoner --past_the_peak  one long run a method, measured on the way

Prints Markdown, with the machine, the versions and the seeds.
"""

import json
import statistics
from pathlib import Path

from benchmarks.measure import environment, parser
from emlit.tiny.demo import BASELINES, COLUMNS, FITS, command, fits, run

_SMOKE = (
    "--trainer.max_steps=1", "--data.prompts_per_round=4", "--data.evaluation.n=2", "--data.train.n=4",
    "--data.engine=TransformersEngine",
)  # fmt: skip


def spread(values: list[float]) -> str:
    """Mean, and the range over seeds where there are several."""
    mean = f"{statistics.mean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.3f} to {max(values):.3f})"


def all_methods(run_dir: Path, seeds: list[int], difficulty: str, baselines: bool) -> str:
    places = {seed: run_dir / difficulty / f"seed{seed}" for seed in seeds}
    if baselines:
        runs = [fits(BASELINES, place, seed, difficulty) for seed, place in places.items()]
    else:
        runs = [run(place, seed, difficulty) for seed, place in places.items()]
    return compare(runs, f"{difficulty} difficulty, test problems, temperature 1, seeds {', '.join(map(str, seeds))}")


def compare(runs: list[dict[str, dict[str, float]]], title: str) -> str:
    """One line a method: means over seeds, with their range for pass@1 and its gain."""
    lines = [
        f"{title}: mean over seeds (range)",
        "",
        "| | " + " | ".join(COLUMNS) + " | gain in pass@1 | training, s |",
        "| --- |" + " ---: |" * (len(COLUMNS) + 2),
    ]
    for name in runs[0]:
        measured = {
            column: [values[name][column] for values in runs]
            for column in COLUMNS
            if runs[0][name].get(column) is not None
        }
        cells = [
            "" if column not in measured
            else spread(measured[column]) if column == "pass@1"
            else f"{statistics.mean(measured[column]):.3f}"
            for column in COLUMNS
        ]  # fmt: skip
        gains = [values[name]["pass@1"] - values["before"]["pass@1"] for values in runs]
        seconds = [values[name]["seconds"] for values in runs if "seconds" in values[name]]
        tail = ["" if name == "before" else spread(gains), f"{statistics.mean(seconds):.0f}" if seconds else ""]
        lines.append("| " + " | ".join([name, *cells, *tail]) + " |")
    return "\n".join(lines)


def past_the_peak(run_dir: Path, steps: int, every: int, seed: int, difficulty: str, problems: int = 128) -> str:
    lines = [f"pass@1 / greedy / mean entropy by optimiser step, {difficulty} difficulty, seed {seed}", ""]
    curves = {}
    for name in FITS:
        target = run_dir / f"long-{difficulty}" / name
        command(
            "fit", "--config", f"configs/tiny/{name}.yaml", f"--run_dir={target}", f"--trainer.max_steps={steps}",
            f"--summary.every_n_steps={every}", f"--seed_everything={seed}", "--overwrite=true",
            f"--data.train.difficulty={difficulty}", f"--data.evaluation.difficulty={difficulty}",
            f"--data.evaluation.n={problems}",
        )  # fmt: skip
        curves[name] = {point["step"]: point for point in json.loads((target / "summary.json").read_text())["curve"]}
    lines += ["| step | " + " | ".join(FITS) + " |", "| ---: |" + " --- |" * len(FITS)]
    for step in sorted(curves[next(iter(FITS))]):
        cells = [
            f"{point['pass@1']:.3f} / {point['greedy']:.3f} / {point['mean_entropy']:.3f}"
            for point in (curves[name][step] for name in FITS)
        ]
        lines.append(f"| {step} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--run_dir", type=Path, default=Path("runs/benchmark"))
    arguments_of.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments_of.add_argument("--difficulty", choices=["default", "hard"], nargs="+", default=["default", "hard"])
    kinds = arguments_of.add_mutually_exclusive_group()
    kinds.add_argument("--baselines", action="store_true", help="SFT, RLOO, GRPO, SC-RL and self-certainty instead")
    kinds.add_argument("--past_the_peak", action="store_true")
    arguments_of.add_argument("--steps", type=int, default=200, help="of the long run")
    arguments_of.add_argument("--every", type=int, default=20, help="optimiser steps between its measurements")
    arguments = arguments_of.parse_args()
    if arguments.smoke:
        if arguments.baselines:
            rows = fits(BASELINES, arguments.run_dir.absolute(), 0, "default", *_SMOKE)
            print(compare([rows], "one step of each"))
        else:
            print(past_the_peak(arguments.run_dir.absolute(), 1, 1, 0, "default", problems=2))
        return
    run_dir = arguments.run_dir.absolute()
    tables = [
        past_the_peak(run_dir, arguments.steps, arguments.every, arguments.seeds[0], difficulty)
        if arguments.past_the_peak
        else all_methods(run_dir, arguments.seeds, difficulty, arguments.baselines)
        for difficulty in arguments.difficulty
    ]
    print("\n" + "\n\n".join(tables) + f"\n\n{environment()}")


if __name__ == "__main__":
    main()
