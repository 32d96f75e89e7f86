"""What accuracy a run traded its entropy for: `python -m emlit.curves RUN_DIR` fits R = -a exp(H) + b to its curves."""

import argparse
from pathlib import Path

from emlit.curves.entropy_law import CURVES, entropy_law, paired, read_scalars
from emlit.errors import DataError
from emlit.resilience.endings import ends_in_a_sentence, say
from emlit.resilience.outputs import outlast_readers


def rows(run_dir: Path) -> list[str]:
    """A line of a table for each pair of curves; what cannot be fitted is said on stderr.

    Raises:
        DataError: no pair can be fitted
    """
    curves, found, why = read_scalars(run_dir), [], []
    for entropy, accuracy in CURVES:
        try:
            law = entropy_law(*paired(curves, entropy, accuracy))
        except DataError as error:
            why.append(f"{accuracy} by {entropy}: {error}")
            continue
        numbers = " | ".join(f"{value:.4f}" for value in (law.a, law.b, law.b - law.a, law.r2))
        found.append(f"| {run_dir} | {accuracy} by {entropy} | {law.points} | {numbers} |")
    if not found:
        raise DataError(f"{run_dir} cannot be fitted: {'; '.join(why)}")
    for sentence in why:
        say(f"{run_dir}, {sentence}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m emlit.curves",
        description="Fit accuracy R = -a exp(H) + b to a run's token entropy H (nats), of evaluations and of rounds.",
    )
    parser.add_argument("run_dir", type=Path, nargs="+", help="a fit's --run_dir")
    arguments = parser.parse_args()
    outlast_readers()
    with ends_in_a_sentence():
        lines = [line for run_dir in arguments.run_dir for line in rows(run_dir)]
        print("\n".join(["| run | curves | points | a | b | b - a | R^2 |", "| --- | --- |" + " ---: |" * 5, *lines]))


if __name__ == "__main__":
    main()
