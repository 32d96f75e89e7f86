"""The field's methods on the embedded reasoner, from the same start and with the same budget of completions.

    python -m benchmarks.methods             every trainable method
    python -m benchmarks.methods --brakes    EM-FT and EM-RL-token past their peak, with each brake against collapse

A run whose summary.json is there is not run again. Prints Markdown; benchmarks.methods_tables keeps a record of what
was run, and makes tables and figure of that.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.collapse import SMALL, fit
from benchmarks.measure import environment, parser
from benchmarks.method_cases import CASES, ROUND, SAMPLES, STEPS, budget, place_of, slug
from benchmarks.methods_tables import gathered, made


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--run_dir", type=Path, default=Path("runs/methods"))
    arguments_of.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments_of.add_argument("--difficulty", choices=["default", "hard"], default="default")
    arguments_of.add_argument("--steps", type=int, default=STEPS, help="optimiser steps of 512 completions each")
    arguments_of.add_argument("--jobs", type=int, default=1, help="runs at a time, each with one thread")
    arguments_of.add_argument("--methods", nargs="+", help="these alone")
    arguments_of.add_argument("--brakes", action="store_true")
    arguments = arguments_of.parse_args()
    steps, seeds = (1, [0]) if arguments.smoke else (arguments.steps, arguments.seeds)
    where = place_of(arguments.run_dir.absolute(), arguments.difficulty, steps)
    cases = {name: case for name, case in CASES.items() if (", " in name) == arguments.brakes}
    if arguments.methods:
        cases = {name: case for name, case in cases.items() if case[0] in arguments.methods}
    elif arguments.smoke:
        cases = dict(list(cases.items())[:2])

    def one(case: tuple[str, int]) -> None:
        method, more = cases[case[0]]
        fit(
            where / slug(case[0]) / f"seed{case[1]}", method, arguments.difficulty, case[1], steps, max(1, steps // 8),
            f"--data.evaluation_samples={SAMPLES}", "--data.evaluation.n=128", *budget(method), *more,
            *(SMALL if arguments.smoke else ()),
        )  # fmt: skip

    with ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(one, [(name, seed) for seed in seeds for name in cases]))
    found = gathered(where)
    print(f"{arguments.difficulty} difficulty, {steps} steps of {ROUND} completions\n\n{made(found, tuple(found))}")
    print(f"\n{environment()}")


if __name__ == "__main__":
    main()
