"""The three methods on the embedded reasoner, one after the other: `make demo`."""

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from rich.table import Table

from emlit.resilience.outputs import outlast_readers
from emlit.terminal import Terminal

# Configs, with the names of their rows.
FITS = {"em_ft": "EM-FT", "em_rl_sequence": "EM-RL-sequence", "em_rl_token": "EM-RL-token"}
BASELINES = {
    "sft": "SFT, labelled",
    "rloo": "RLOO, labelled",
    "grpo": "GRPO, labelled",
    "sc_rl": "SC-RL",
    "self_certainty": "self-certainty",
}
_TASKS = ("train", "evaluation")
COLUMNS = ("pass@1", "greedy", "maj@16", "pass@16", "format_rate", "mean_entropy", "mean_length")


def command(*arguments: str) -> None:
    """Run the command line as a user would, and show what is run."""
    print(f"\n$ emlit {' '.join(arguments)}", flush=True)
    subprocess.run([sys.executable, "-m", "emlit", *arguments], check=True)


def fits(
    configs: dict[str, str], run_dir: Path, seed: int, difficulty: str = "default", *more: str
) -> dict[str, dict[str, float]]:
    """Train with each config, the start first; measured values by the name of each row."""
    rows: dict[str, dict[str, float]] = {}
    harder = [] if difficulty == "default" else [f"--data.{key}.difficulty={difficulty}" for key in _TASKS]
    for config, name in configs.items():
        place = [f"--run_dir={run_dir / config}", "--overwrite=true", f"--seed_everything={seed}"]
        command("fit", "--config", f"emlit://tiny/{config}", *place, *harder, *more)
        summary = json.loads((run_dir / config / "summary.json").read_text())
        rows.setdefault("before", summary["before"])
        rows[name] = {**summary["after"], "seconds": summary["seconds"]}
    return rows


def run(run_dir: Path, seed: int, difficulty: str = "default") -> dict[str, dict[str, float]]:
    """Train with EM-FT and both EM-RL, decode with EM-INF; measured values by the name of each row."""
    rows = fits(FITS, run_dir, seed, difficulty)
    common = [f"--seed_everything={seed}"]
    if difficulty != "default":
        common.append(f"--data.evaluation.difficulty={difficulty}")
    place = [f"--run_dir={run_dir / 'em_inf'}", "--writer.overwrite=true"]
    command("predict", "--config", "emlit://tiny/em_inf", *place, *common)
    rows["EM-INF"] = json.loads((run_dir / "em_inf" / "report.json").read_text())[0]
    return rows


def table(rows: dict[str, dict[str, float]]) -> Table:
    """One line a method, with the gain in pass@1 over the start."""
    shown = Table(title="the embedded reasoner, test problems, temperature 1")
    for heading in ("", *COLUMNS, "gain", "training"):
        shown.add_column(heading, justify="left" if not heading else "right")
    for name, values in rows.items():
        cells = [f"{values[column]:.3f}" if values.get(column) is not None else "" for column in COLUMNS]
        gain = "" if name == "before" else f"{values['pass@1'] - rows['before']['pass@1']:+.3f}"
        seconds = f"{values['seconds']:.0f} s" if "seconds" in values else "none"
        shown.add_row(name, *cells, gain, "" if name == "before" else seconds)
    return shown


def main() -> None:
    outlast_readers()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run_dir", type=Path, default=Path("runs/demo"))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rows = run(arguments.run_dir.absolute(), arguments.seed)
    console = Terminal(width=120)
    console.print(table(rows))
    tensorboard = os.path.relpath(Path(sys.executable).with_name("tensorboard"))
    console.print(f"curves: {tensorboard} --logdir {shlex.quote(str(arguments.run_dir))}", soft_wrap=True)


if __name__ == "__main__":
    main()
