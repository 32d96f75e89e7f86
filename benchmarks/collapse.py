"""Does the collapse guard keep the right step? Runs past the peak, many seeds, against two simpler rules.

    python -m benchmarks.collapse

Every run trains to its end with the guard watching (`guard.mode warn`), and is measured on the test problems at each
probe; what a rule would have kept is read off afterwards. A run whose summary.json is there is not run again.
Prints Markdown.
"""

import itertools
import json
import os
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.measure import environment, parser, table
from emlit.collapse import Finding, Signals, decide

ROOT = Path(__file__).parents[1]
# At the configs' own 1e-4 the peak lies beyond 100 steps, or is a plateau; these pass it within 25.
LEARNING_RATES = {"em_ft": "1e-3", "em_rl_sequence": "1e-3", "em_rl_token": "3e-4"}
STEPS = {"default": 25, "hard": 10}
EVERY = 5
SMALL = ("--data.evaluation.n=2", "--guard.prompts=2", "--data.prompts_per_round=2")  # for --smoke
Curve = dict[int, float]


def run(run_dir: Path, method: str, difficulty: str, seed: int, smoke: bool) -> dict[str, Any]:
    """Train one model past its peak; what its summary.json says."""
    return fit(
        run_dir / f"{method}-{difficulty}-{seed}", method, difficulty, seed, 1 if smoke else STEPS[difficulty], EVERY,
        "--data.evaluation_samples=4", f"--model.learning_rate={LEARNING_RATES[method]}", "--guard.prompts=128",
        "--guard.start_samples=16", "--data.evaluation.n=256", *(SMALL if smoke else ()),
    )  # fmt: skip


def fit(target: Path, method: str, difficulty: str, seed: int, steps: int, every: int, *more: str) -> dict[str, Any]:
    """Train with a tiny config, the guard watching and evaluations every so many steps; what its summary.json says."""
    if not (target / "summary.json").exists():
        command = [
            sys.executable, "cli.py", "fit", "--config", f"configs/tiny/{method}.yaml", f"--run_dir={target}",
            f"--seed_everything={seed}", f"--data.train.difficulty={difficulty}", f"--trainer.max_steps={steps}",
            f"--data.evaluation.difficulty={difficulty}", "--overwrite=true", f"--summary.every_n_steps={every}",
            f"--guard.every_n_steps={every}", "--guard.mode=warn", "--export.enabled=false",
            "--data.engine=emlit.engines.TransformersEngine", *more,
        ]  # fmt: skip
        environ = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads((target / "summary.json").read_text())


def kept_by(summary: dict[str, Any]) -> dict[str, int]:
    """Which step each rule keeps."""
    signals = [dict(each) for each in summary["guard"]["signals"]]
    history = {each.pop("step"): Signals(**each) for each in signals}
    fired: dict[int, list[Finding]] = {step: [] for step in history}
    for each in map(dict, summary["guard"]["fired"]):
        fired[each.pop("step")].append(Finding(**each))
    entropies = {step: each.entropy for step, each in history.items()}
    steps = sorted(entropies)
    quarter = next((step for step in steps if entropies[step] < 0.25 * entropies[steps[0]]), steps[-1])
    return {
        "the guard": decide(history, fired, patience=2)[0],
        "fixed 10 steps": min(steps, key=lambda step: abs(step - 10)),
        "entropy below 25 %": quarter,
        "the last step": steps[-1],
    }


def judged(summaries: list[dict[str, Any]]) -> list[list[str]]:
    """A row a rule: how often it is near the best and above the start, and what it keeps."""
    rows = []
    for rule in kept_by(summaries[0]):
        curves: list[Curve] = [{each["step"]: each["pass@1"] for each in s["curve"]} for s in summaries]
        steps = [kept_by(summary)[rule] for summary in summaries]
        kept = [curve[step] for curve, step in zip(curves, steps, strict=True)]
        loss = [max(curve.values()) - value for curve, value in zip(curves, kept, strict=True)]
        above = [value >= curve[min(curve)] for curve, value in zip(curves, kept, strict=True)]
        n = len(summaries)
        rows.append([
            rule, f"{sum(each <= 0.05 for each in loss)} of {n}", f"{sum(above)} of {n}",
            f"{statistics.fmean(kept):.3f} ({min(kept):.3f} to {max(kept):.3f})",
            f"{statistics.fmean(loss):.3f} ({max(loss):.3f})", f"{min(steps)} to {max(steps)}",
        ])  # fmt: skip
    return rows


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--run_dir", type=Path, default=Path("runs/collapse"))
    arguments_of.add_argument("--seeds", type=int, default=10, help="seeds 0 to this, less one")
    arguments_of.add_argument("--jobs", type=int, default=1, help="runs at a time, each with one thread")
    arguments_of.add_argument("--difficulty", choices=["default", "hard"], nargs="+", default=["default", "hard"])
    arguments = arguments_of.parse_args()
    if arguments.smoke:
        arguments.seeds = 1
    cases = list(itertools.product(arguments.difficulty, LEARNING_RATES))
    todo = [(m, d, seed) for seed in range(arguments.seeds) for d, m in cases]
    run_dir = arguments.run_dir.absolute() / ("smoke" if arguments.smoke else "")
    with ThreadPoolExecutor(arguments.jobs) as pool:
        found = dict(zip(todo, pool.map(lambda case: run(run_dir, *case, arguments.smoke), todo), strict=True))
    header = [
        "kept by",
        "within 0.05 of the best",
        "not below the start",
        "pass@1 (range)",
        "lost to the best (most)",
        "step",
    ]
    for difficulty, method in cases:
        summaries = [found[method, difficulty, seed] for seed in range(arguments.seeds)]
        start = statistics.fmean(s["before"]["pass@1"] for s in summaries)
        best = statistics.fmean(max(each["pass@1"] for each in s["curve"]) for s in summaries)
        print(
            f"\n{method}, {difficulty}, learning rate {LEARNING_RATES[method]}, seeds 0 to {arguments.seeds - 1}: ",
            end="",
        )
        print(f"start {start:.3f}, best along the run {best:.3f}\n\n{table(header, judged(summaries))}")
    print(f"\n{environment()}")


if __name__ == "__main__":
    main()
