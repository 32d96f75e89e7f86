"""Prompts of the user's own: a JSON, JSONL, Parquet or CSV file, or a Hugging Face data set."""

from collections.abc import Iterator
from pathlib import Path

from emlit.sources import SourceRow, file_rows, hub_rows, require_file
from emlit.tasks.columns import WholeColumns
from emlit.text_files import stem


class PromptFile(WholeColumns):
    """One problem a line or row of a JSON, JSONL, Parquet or CSV file, in the shapes of docs/data.md.

    Args:
        path: the file; .jsonl, .json, .parquet or .csv, text compressed by gzip too (.jsonl.gz)
        prompt_column: text, or a list of chat messages; OUTER.INNER is a column in an object, "{body} {question}"
            the text of several
        answer_column: the label, or a list of labels of which any is right; rows without it are fine
        id_column: unique ids; the row's number where there is none
        system_prompt: put in front of each prompt that has none
        skip_bad_rows: warn and go on at a malformed row instead of stopping
        solution_column: a worked solution, which SFT learns from; rows without it are fine elsewhere. The same as
            prompt_column where the conversation ends in it
        answer_from_solution: the label is the last \\boxed{} of the solution, instead of a column of its own; a row
            whose solution has none is a bad row
    """

    path: Path

    def __init__(
        self,
        path: str,
        prompt_column: str = "prompt",
        answer_column: str = "answer",
        id_column: str | None = "id",
        system_prompt: str | None = None,
        skip_bad_rows: bool = False,
        solution_column: str = "solution",
        answer_from_solution: bool = False,
    ) -> None:
        file = require_file(path)
        super().__init__(
            stem(file), prompt_column, answer_column, id_column, system_prompt, skip_bad_rows, solution_column,
            answer_from_solution,
        )  # fmt: skip
        self.path = file

    def _source(self) -> Iterator[SourceRow]:
        return file_rows(self.path)


class HubDataset(WholeColumns):
    """A data set from the Hugging Face hub, or a local directory that `datasets.load_dataset` reads.

    Args:
        path: the data set's id or directory
        name: its configuration
        split: its split
        prompt_column: text, or a list of chat messages; OUTER.INNER is a column in an object, "{body} {question}"
            the text of several
        answer_column: the label, or a list of labels of which any is right; rows without it are fine
        id_column: unique ids; the row's number where there is none
        system_prompt: put in front of each prompt that has none
        skip_bad_rows: warn and go on at a malformed row instead of stopping
        solution_column: a worked solution, which SFT learns from; rows without it are fine elsewhere. The same as
            prompt_column where the conversation ends in it
        answer_from_solution: the label is the last \\boxed{} of the solution, instead of a column of its own; a row
            whose solution has none is a bad row
    """

    path: str

    def __init__(
        self,
        path: str,
        name: str | None = None,
        split: str = "train",
        prompt_column: str = "prompt",
        answer_column: str = "answer",
        id_column: str | None = "id",
        system_prompt: str | None = None,
        skip_bad_rows: bool = False,
        solution_column: str = "solution",
        answer_from_solution: bool = False,
    ) -> None:
        super().__init__(
            path.rstrip("/").rpartition("/")[2], prompt_column, answer_column, id_column, system_prompt, skip_bad_rows,
            solution_column, answer_from_solution,
        )  # fmt: skip
        self.path, self.configuration, self.split = path, name, split

    def _source(self) -> Iterator[SourceRow]:
        return hub_rows(self.path, self.configuration, self.split)
