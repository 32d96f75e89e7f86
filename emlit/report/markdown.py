"""The report as Markdown: a section a task."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from emlit.report.paired import Comparison

_SHOWN = (
    "pass@1", "sub-problems", "format_rate", "accuracy_given_format", "mean_length", "truncated", "mean_entropy",
    "sampled_tokens", "prompt_tokens", "flops", "seconds",
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
        comparisons: of `compare`; those with a task's first decoding are shown
        published: of `published_rows`
        figures: by task, the path of its figure from where the report stands
    """
    lines: list[str] = []
    for task in dict.fromkeys(row["task"] for row in rows):
        mine = [row for row in rows if row["task"] == task]
        problems = max(row["problems"] for row in mine)
        lines += [
            f"## {task}",
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
            cells = [str(row["decoding"]), str(row["problems"]), str(row["samples"])]
            lines.append("| " + " | ".join([*cells, *(_cell(row, name) for name in names)]) + " |")
        for row in (each for each in published if each["task"] == task):
            cells = [f"*{row['decoding']}* ({row['source']})", "", ""]
            lines.append("| " + " | ".join([*cells, *(format_value(row.get(name)) for name in names)]) + " |")
        lines += _paired([each for each in comparisons if each.task == task])
        if figures and task in figures:
            lines += ["", f"![accuracy by tokens](<{figures[task]}>)"]
        lines.append("")
    return "\n".join(lines)


def _cell(row: Mapping[str, Any], name: str) -> str:
    shown = format_value(row.get(name))
    ends = row.get("intervals", {}).get(name)
    return f"{shown} [{ends[0]:.3f}, {ends[1]:.3f}]" if ends and name in _IN_BRACKETS else shown


def _paired(comparisons: Sequence[Comparison]) -> list[str]:
    if not comparisons:
        return []
    first = comparisons[0].first
    lines = [
        "",
        f"On the same problems, against {first}:",
        "",
        "| decoding | difference in pass@1 | only it is right | only the other | McNemar's p |",
        "| --- |" + " ---: |" * 4,
    ]
    for each in comparisons:
        if each.first != first:
            continue
        gap = each.difference
        difference = f"{gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]"
        lines.append(f"| {each.second} | {difference} | {each.only_second} | {each.only_first} | {each.p:.3f} |")
    return lines
