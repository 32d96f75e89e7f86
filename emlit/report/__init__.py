"""From predictions.jsonl to tables: accuracies with intervals, costs, paired comparisons, the paper's own rows."""

from emlit.report.markdown import columns, format_value, to_markdown, truncation_warnings
from emlit.report.paired import compare, mcnemar
from emlit.report.published import published_rows
from emlit.report.reading import Run, read_predictions, read_run, read_seconds, read_settings
from emlit.report.rows import summarise
from emlit.report.writing import write_report

__all__ = [
    "Run", "columns", "compare", "format_value", "mcnemar", "published_rows", "read_predictions", "read_run",
    "read_seconds", "read_settings", "summarise", "to_markdown", "truncation_warnings", "write_report",
]  # fmt: skip
