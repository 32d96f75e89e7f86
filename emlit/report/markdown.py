"""The report as Markdown: a section a task."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from emlit.metrics import truncation_sentence
from emlit.printable import as_markdown
from emlit.report.paired import Comparison

_SHOWN = (
    "pass@1", "sub-problems", "format_rate", "accuracy_given_format", "mean_length", "truncated", "mean_entropy",
    "sampled_tokens_an_answer", "prompt_tokens_an_answer", "flops_an_answer", "seconds_an_answer",
)  # fmt: skip
_IN_BRACKETS = ("pass@1", "sub-problems")


def format_value(value: Any) -> str:
    """As it stands in a table: three decimals, powers of ten from a million on, empty for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) >= 1e6 else f"{value:.3f}"
    return str(value)


def columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """What is measured in at least one row, in the order in which it is shown."""
    found = dict.fromkeys(name for row in rows for name in row)
    sampled = [name for name in found if name.startswith(("pass@", "maj@")) and name != "pass@1"]
    return [name for name in ("pass@1", *sampled, *_SHOWN[1:]) if name in found]


def to_markdown(
    rows: Sequence[Mapping[str, Any]],
    comparisons: Sequence[Comparison] = (),
    published: Sequence[Mapping[str, Any]] = (),
    figures: Mapping[str, str] | None = None,
) -> str:
    """The whole report.

    Args:
        rows: of `summarise`
        comparisons: of `compare`; those with a task's first decoding, and between runs, are shown
        published: of `published_rows`
        figures: by task, the path of its figure from where the report stands
    """
    lines: list[str] = []
    for task in dict.fromkeys(row["task"] for row in rows):
        mine = [row for row in rows if row["task"] == task]
        problems = max(row["problems"] for row in mine)
        lines += [
            f"## {as_markdown(task)}",
            "",
            f"{problems} problems: one is worth {1 / problems:.3f}. 95 % intervals in brackets.",
            "",
        ]
        names = columns(mine)
        lines += [
            "| decoding | problems | samples | " + " | ".join(names) + " |",
            "| --- |" + " ---: |" * (len(names) + 2),
        ]
        for row in mine:
            cells = [as_markdown(row["decoding"]), str(row["problems"]), str(row["samples"])]
            lines.append("| " + " | ".join([*cells, *(format_cell(row, name) for name in names)]) + " |")
        for row in (each for each in published if each["task"] == task):
            cells = [f"*{row['decoding']}* ({row['source']})", "", ""]
            lines.append("| " + " | ".join([*cells, *(format_value(row.get(name)) for name in names)]) + " |")
        lines += [f"\nWarning: {as_markdown(sentence, 2000)}" for sentence in truncation_warnings(mine)]
        lines += _paired([each for each in comparisons if each.task == task])
        if figures and task in figures:
            lines += ["", f"![accuracy by tokens](<{figures[task]}>)"]
        lines.append("")
    return "\n".join(lines)


def truncation_warnings(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence a row of which many completions were cut before their answer."""
    found = [(row, truncation_sentence(row.get("truncated", 0.0))) for row in rows]
    return [f"{row['task']}, {row['decoding']}: {sentence}" for row, sentence in found if sentence]


def format_cell(row: Mapping[str, Any], name: str) -> str:
    shown = format_value(row.get(name))
    ends = row.get("intervals", {}).get(name)
    return f"{shown} [{ends[0]:.3f}, {ends[1]:.3f}]" if ends and name in _IN_BRACKETS else shown


def _paired(comparisons: Sequence[Comparison]) -> list[str]:
    """Everything against the first decoding, and each decoding of a run against the same one of another."""
    if not comparisons:
        return []
    lines = [
        "",
        "On the same problems, in pairs:",
        "",
        "| decoding | against | problems | difference in pass@1 | only it is right | only the other | McNemar's p |",
        "| --- | --- |" + " ---: |" * 5,
    ]
    for each in comparisons:
        one, _, decoding = each.first.partition(": ")
        other, _, same = each.second.partition(": ")
        if each.first != comparisons[0].first and not (decoding and decoding == same and one != other):
            continue
        gap = each.difference
        difference = f"{gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]"
        counts = f"{each.problems} | {difference} | {each.only_second} | {each.only_first} | {each.p:.3f}"
        lines.append(f"| {as_markdown(each.second)} | {as_markdown(each.first)} | {counts} |")
    return lines
