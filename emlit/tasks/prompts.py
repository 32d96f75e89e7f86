"""Prompts of the user's own: a JSON, JSONL, Parquet or CSV file, or a Hugging Face data set."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emlit.sources import SourceRow, file_rows, hub_rows, require_file
from emlit.tasks.columns import WholeColumns
from emlit.text_files import stem


class PromptFile(WholeColumns):
    """One problem a line or row of a JSON, JSONL, Parquet or CSV file, in the shapes of docs/data.md.

    Args:
        path: the file; .jsonl, .json, .parquet or .csv, text compressed by gzip too (.jsonl.gz)
        columns: as of Columns
    """

    path: Path

    def __init__(self, path: str, **columns: Any) -> None:
        file = require_file(path)
        super().__init__(task_name=stem(file), **columns)
        self.path = file

    def _source(self) -> Iterator[SourceRow]:
        return file_rows(self.path)


class HubDataset(WholeColumns):
    """A data set from the Hugging Face hub, or a local directory that `datasets.load_dataset` reads.

    Args:
        path: the data set's id or directory
        name: its configuration
        split: its split
        columns: as of Columns
    """

    path: str

    def __init__(self, path: str, name: str | None = None, split: str = "train", **columns: Any) -> None:
        super().__init__(task_name=path.rstrip("/").rpartition("/")[2], **columns)
        self.path, self.configuration, self.split = path, name, split

    def _source(self) -> Iterator[SourceRow]:
        return hub_rows(self.path, self.configuration, self.split)
