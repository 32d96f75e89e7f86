"""The field's methods on the embedded reasoner, from the same start and with the same budget of completions.

    python -m benchmarks.methods             the trainable methods, but for those with rollouts of their own
    python -m benchmarks.methods --brakes    EM-FT and EM-RL-token past their peak, with each brake against collapse

A run whose summary.json is there is not run again. Prints Markdown; the figure of --figure shows accuracy against
entropy along the runs.
"""

import statistics
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.collapse import SMALL, fit, kept_by
from benchmarks.measure import environment, parser, table

ROUND = 512  # completions of an optimiser step
METHODS = {
    "no labels": (
        "em_ft", "em_rl_sequence", "em_rl_token", "one_shot_em", "sc_rl", "self_certainty", "empo", "rent", "ettrl",
        "m_grpo",
    ),
    "no labels, with a brake": ("clip_cov", "skywork", "entropy_target", "siren", "epo", "tea_rl"),
    "labelled": (
        "sft", "entropy_sft", "rloo", "grpo", "pear", "seed_grpo", "canon", "pshw", "empg", "uncertain_tokens", "dcpo",
        "high_entropy_tokens", "steer", "hicra", "aepo_agentic", "dapo_clips", "kl_cov", "lp_reg", "hapo", "t1",
    ),
}  # fmt: skip
# What each brake adds to a config; released values, and where those are too weak for so small a model, stronger ones.
_TERM = "--model.loss_terms=[{{class_path: emlit.losses.{}, init_args: {}}}]"
_WEIGHTS = "--model.token_weights=[{{class_path: emlit.losses.{}, init_args: {}}}]"
BRAKES = {
    "none": [],
    "KL to the reference, 0.1": ["--model.kl_weight=0.1"],
    "entropy floor, released": ["--model.entropy_floor={floor: 0.2, step: 0.0001, maximum: 0.005}"],
    "entropy floor, strong": ["--model.entropy_floor={floor: 0.2, step: 0.2}"],
    "entropy target, released": [_TERM.format("EntropyTarget", "{target: 0.25, weight: 0.001}")],
    "entropy target, strong": [_TERM.format("EntropyTarget", "{target: 0.25, weight: 1.0}")],
    "bonus, 0.001": [_TERM.format("EntropyBonus", "{weight: 0.001}")],
    "SIREN, released": [_TERM.format("SIREN", "{weight: 0.005}")],
    "SIREN, strong": [_TERM.format("SIREN", "{weight: 5.0}")],
    "covariance bonus": [_TERM.format("CovarianceEntropyBonus", "{weight: 0.1}")],
    "Clip-Cov": [_WEIGHTS.format("ClipCov", "{low: 0.0, share: 0.02}")],
    "STEER": [_WEIGHTS.format("STEER", "{}")],
}
LEARNING_RATES = {"em_ft": "1e-3", "em_rl_token": "3e-4"}  # with which the peak is passed within 25 steps
_NEEDS_ADVANTAGE = ("covariance bonus", "Clip-Cov", "STEER")
COLUMNS = ("pass@1", "greedy", "maj@8", "pass@8", "format_rate", "mean_entropy", "mean_length")


def slug(brake: str) -> str:
    """A brake's name as that of a directory."""
    return "-".join("".join(c if c.isalnum() else " " for c in brake).split())


def budget(method: str) -> list[str]:
    """A step of every method is ROUND completions."""
    if method in ("em_ft", "sft", "entropy_sft"):
        return [f"--data.prompts_per_round={ROUND}"]
    return [f"--data.samples_per_prompt={ROUND}"] if method == "one_shot_em" else []


def row(name: str, summaries: list[dict[str, Any]]) -> list[str]:
    """Means over seeds: the end, the best step and what the guard would keep."""

    def mean(values: list[float | None]) -> str:
        known = [value for value in values if value is not None]
        return f"{statistics.fmean(known):.3f}" if known else ""

    curves = [{each["step"]: each["pass@1"] for each in summary["curve"]} for summary in summaries]
    best = [max(curve, key=curve.get) for curve in curves]
    kept = [kept_by(summary)["the guard"] if summary.get("guard") else None for summary in summaries]
    return [
        name, *(mean([summary["after"].get(column) for summary in summaries]) for column in COLUMNS),
        mean([curve[step] for curve, step in zip(curves, best, strict=True)]), "/".join(map(str, best)),
        mean([None if step is None else curve[step] for curve, step in zip(curves, kept, strict=True)]),
        mean([summary["seconds"] for summary in summaries]).split(".")[0],
    ]  # fmt: skip


HEADER = ["", *COLUMNS, "best pass@1", "at step", "the guard keeps", "training, s"]


def figure(path: Path, found: dict[str, list[dict[str, Any]]]) -> None:
    """pass@1 against mean entropy along the first seed's runs, a line a method."""
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(9, 6), layout="constrained")
    axes = drawing.subplots()
    for number, (name, summaries) in enumerate(found.items()):
        curve = summaries[0]["curve"]
        style = ("-", "--", ":", "-.")[number // 10 % 4]
        axes.plot([p["mean_entropy"] for p in curve], [p["pass@1"] for p in curve], style, marker=".", label=name)
    axes.set(xlabel="mean token entropy, nats", ylabel="pass@1", xlim=(0, None), ylim=(0, 1))
    axes.legend(fontsize="x-small", ncols=2, loc="center left", bbox_to_anchor=(1, 0.5))
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(path)


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--run_dir", type=Path, default=Path("runs/methods"))
    arguments_of.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments_of.add_argument("--difficulty", choices=["default", "hard"], default="default")
    arguments_of.add_argument("--steps", type=int, default=32, help="optimiser steps of 512 completions each")
    arguments_of.add_argument("--jobs", type=int, default=1, help="runs at a time, each with one thread")
    arguments_of.add_argument("--methods", nargs="+", help="these alone")
    arguments_of.add_argument("--brakes", action="store_true")
    arguments_of.add_argument("--figure", type=Path)
    arguments = arguments_of.parse_args()
    steps, seeds = (1, [0]) if arguments.smoke else (arguments.steps, arguments.seeds)
    where = arguments.run_dir.absolute() / f"{arguments.difficulty}-{steps}"
    cases: dict[str, tuple[str, list[str], Path]] = {}
    if arguments.brakes:
        for method, rate in LEARNING_RATES.items():
            for name, more in BRAKES.items():
                if method == "em_rl_token" or name not in _NEEDS_ADVANTAGE:
                    place = where / f"{method}-{slug(name)}"
                    cases[f"{method}, {name}"] = (method, [*more, f"--model.learning_rate={rate}"], place)
    else:
        cases = {m: (m, [], where / m) for kind in METHODS.values() for m in kind}
    if arguments.methods:
        cases = {name: case for name, case in cases.items() if case[0] in arguments.methods}
    elif arguments.smoke:
        cases = dict(list(cases.items())[:2])
    todo = [(name, seed) for seed in seeds for name in cases]

    def one(case: tuple[str, int]) -> dict[str, Any]:
        method, more, place = cases[case[0]]
        return fit(
            place / f"seed{case[1]}", method, arguments.difficulty, case[1], steps, max(1, steps // 8),
            "--data.evaluation_samples=8", "--data.evaluation.n=128", *budget(method), *more,
            *(SMALL if arguments.smoke else ()),
        )  # fmt: skip

    with ThreadPoolExecutor(arguments.jobs) as pool:
        done = dict(zip(todo, pool.map(one, todo), strict=True))
    found = {name: [done[name, seed] for seed in seeds] for name in cases}
    starts = [summary["before"]["pass@1"] for summaries in found.values() for summary in summaries]
    print(
        f"{arguments.difficulty} difficulty, seeds {', '.join(map(str, seeds))}, {steps} steps of {ROUND} completions; "
        f"pass@1 at the start {min(starts):.3f} to {max(starts):.3f}\n"
    )
    if arguments.brakes:
        print(table(HEADER, [row(name, summaries) for name, summaries in found.items()]))
    for kind, methods in METHODS.items() if not arguments.brakes else ():
        print(f"{kind}\n\n{table(HEADER, [row(m, found[m]) for m in methods if m in found])}\n")
    if arguments.figure:
        figure(arguments.figure, found)
    print(f"\n{environment()}")


if __name__ == "__main__":
    main()
