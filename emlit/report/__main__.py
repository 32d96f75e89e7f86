"""Runs beside each other: `python -m emlit.report RUN_DIR [RUN_DIR ...] [--out DIR] [--html FILE]`."""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from emlit.errors import ConfigError
from emlit.printable import printable
from emlit.report.page import is_fit, read_fit, write_page
from emlit.report.published import TABLES
from emlit.report.reading import Run, read_run
from emlit.report.writing import write_report
from emlit.resilience.endings import ends_in_a_sentence, say
from emlit.resilience.outputs import outlast_readers
from emlit.terminal import Terminal


def labelled(directories: list[Path]) -> list[Run]:
    """The runs; of several, each decoding's name begins with the part of its run's path that tells it from the others.

    Raises:
        DataError: a directory without predictions
        ConfigError: the same one twice
    """
    runs = [read_run(directory) for directory in directories]
    if len(runs) == 1:
        return runs
    resolved = [directory.resolve() for directory in directories]
    twice = next((str(each) for each in resolved if resolved.count(each) > 1), None)
    if twice is not None:
        raise ConfigError(f"{twice} is given twice; a run is compared with others")
    for task in {task for run in runs for task in run.settings.get("problems", {})}:
        if len({run.settings["problems"][task] for run in runs if task in run.settings.get("problems", {})}) > 1:
            say(f"{task}: the runs have other problems; those with the same id are compared")
    for run, label in zip(runs, own_parts(directories), strict=True):
        run.seconds = {(f"{label}: {decoding}", task): each for (decoding, task), each in run.seconds.items()}
        for prediction in run.predictions:
            prediction.decoding = f"{label}: {prediction.decoding}"
    return runs


def own_parts(directories: list[Path]) -> list[str]:
    """What of each path tells it from the others."""
    parts = [directory.resolve().parts for directory in directories]
    shared = 0
    while all(len(each) > shared + 1 and each[shared] == parts[0][shared] for each in parts):
        shared += 1
    return ["/".join(own[shared:]) for own in parts]


def write_html(path: Path, directories: list[Path]) -> None:
    """A page of fits and predict runs.

    Raises:
        DataError: a directory that holds neither
    """
    fits = [each for each in directories if is_fit(each)]
    asked = [each for each in directories if each not in fits or (each / "predictions.jsonl").is_file()]
    labels = dict(zip(directories, own_parts(directories), strict=True))
    read = [read_fit(each, labels[each]) for each in fits]
    for directory, fit in zip(fits, read, strict=True):
        if not fit.curves:
            say(f"{directory} has no curves of TensorBoard's: of this run the page shows the evaluations alone")
    write_page(path, read, labelled(asked) if asked else [])
    Terminal().named("page", path)


def main(given: Sequence[str] | None = None) -> None:
    outlast_readers()
    parser = argparse.ArgumentParser(
        prog="python -m emlit.report",
        description="Merge predict runs into one report, paired on the same problems, or draw any runs on one page.",
    )
    parser.add_argument(
        "run_dir",
        type=Path,
        nargs="+",
        help="a predict run's --run_dir (with --html a fit's, too, ended or not); the first is compared against",
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page of curves, tables and changed answers")
    parser.add_argument("--out", type=Path, help="write report.md, report.json, comparisons.json and figures here")
    parser.add_argument(
        "--published",
        metavar="MODEL",
        help="show the paper's rows of this model; that of the runs unless set. It has " + ", ".join(TABLES),
    )
    arguments = parser.parse_args(given)
    with ends_in_a_sentence():
        if arguments.html:
            write_html(arguments.html, arguments.run_dir)
            return
        runs = labelled(arguments.run_dir)
        model = arguments.published or runs[0].settings.get("pretrained")
        if arguments.published and arguments.published not in TABLES:
            parser.error(f"--published is {arguments.published}; the paper has {', '.join(TABLES)}")
        with tempfile.TemporaryDirectory() as scratch:
            target = arguments.out or Path(scratch)
            write_report(target, runs, model)
            print("\n".join(printable(line, len(line)) for line in (target / "report.md").read_text().splitlines()))


if __name__ == "__main__":
    main()
