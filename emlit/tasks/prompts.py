"""Prompts of the user's own: a JSONL, Parquet or CSV file, or a Hugging Face data set."""

import csv
import json
import logging
import reprlib
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from emlit.errors import ConfigError, DataError
from emlit.tasks.answers import extract_boxed
from emlit.tasks.base import Row, Task

log = logging.getLogger(__name__)

_SHOWN = 5  # skipped rows that are named; of the others there is a count
_SUFFIXES = (".jsonl", ".json", ".parquet", ".csv")


class _Columns(Task):
    """What files and data sets share: which column is the prompt, which the label, which the solution."""

    def __init__(
        self,
        name: str,
        prompt_column: str,
        answer_column: str,
        id_column: str,
        system_prompt: str | None,
        skip_bad_rows: bool,
        solution_column: str,
        answer_from_solution: bool,
    ) -> None:
        self.name = name
        self.prompt_column = prompt_column
        self.answer_column = answer_column
        self.id_column = id_column
        self.system_prompt = system_prompt
        self.skip_bad_rows = skip_bad_rows
        self.solution_column = solution_column
        self.answer_from_solution = answer_from_solution
        self._rows: list[Row] | None = None

    @abstractmethod
    def _source(self) -> Iterator[tuple[str, dict[str, Any] | DataError]]:
        """Each row with where it stands, or what is wrong with it."""

    def rows(self) -> list[Row]:
        if self._rows is None:
            self._rows = list(self._read())
            if not self._rows:
                raise DataError(f"{self.name} has no usable row; give it at least one with a {self.prompt_column!r}")
        return self._rows

    def _read(self) -> Iterable[Row]:
        seen: set[str] = set()
        skipped = 0
        for position, (where, fields) in enumerate(self._source()):
            try:
                if isinstance(fields, DataError):
                    raise fields
                row = self._row(fields, where, position)
                if row.id in seen:
                    name = reprlib.repr(row.id)
                    raise DataError(f"{where}: the {self.id_column!r} {name} is there twice; ids must differ")
            except DataError as error:
                if not self.skip_bad_rows:
                    raise DataError(f"{error} (or skip such rows with skip_bad_rows: true)") from None
                skipped += 1
                if skipped <= _SHOWN:
                    log.warning("skipped: %s", error)
                continue
            seen.add(row.id)
            yield row
        if skipped > _SHOWN:
            log.warning("%s: skipped %d rows in all", self.name, skipped)

    def _row(self, fields: dict[str, Any], where: str, position: int) -> Row:
        if self.prompt_column not in fields:
            columns = ", ".join(map(_shown, list(fields)[:20])) or "none"
            raise DataError(f"{where}: no column {self.prompt_column!r}; the columns are {columns}: set prompt_column")
        own_id, answer = fields.get(self.id_column), fields.get(self.answer_column)
        solution = fields.get(self.solution_column)
        for name, value in (
            (self.id_column, own_id),
            (self.answer_column, answer),
            (self.solution_column, solution),
        ):
            _require_unicode(str(value), f"{where}: the {name!r}")
        solution = solution if isinstance(solution, str) and solution.strip() else None
        answer = None if answer is None or answer == "" else str(answer)
        return Row(
            id=str(position if own_id is None or own_id == "" else own_id),
            prompt=_prompt(fields[self.prompt_column], where),
            answer=self._boxed(solution, where) if self.answer_from_solution else answer,
            fields=fields,
            source=where,
            solution=solution,
        )

    def _boxed(self, solution: str | None, where: str) -> str:
        if solution is None:
            raise DataError(
                f"{where}: no text in column {self.solution_column!r} to take the answer from; set solution_column, "
                "or answer_from_solution to false"
            )
        answer = extract_boxed(solution)
        if not answer:
            raise DataError(
                f"{where}: the solution has no \\boxed{{}} to take the answer from; set answer_from_solution to false"
            )
        return answer


def _prompt(value: Any, where: str) -> str | list[dict[str, str]]:
    if isinstance(value, str):
        if not value.strip():
            raise DataError(f"{where}: the prompt is empty")
        _require_unicode(value, f"{where}: the prompt")
        return value
    shaped = (
        isinstance(value, list)
        and value
        and all(
            isinstance(message, dict)
            and isinstance(message.get("role"), str)
            and isinstance(message.get("content"), str)
            for message in value
        )
    )
    if not shaped:
        raise DataError(f"{where}: a prompt must be text or a list of messages with role and content")
    for message in value:
        _require_unicode(message["role"] + message["content"], f"{where}: the prompt")
    return [{"role": message["role"], "content": message["content"]} for message in value]


def _require_unicode(text: str, what: str) -> None:
    """JSON can escape what no tokenizer takes and no UTF-8 file holds."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(f"{what} has half of a surrogate pair (\\ud800 to \\udfff), which is no character") from None


def _shown(column: Any) -> str:
    """A column's name as it stands in an error."""
    return column if isinstance(column, str) and column.isidentifier() and len(column) < 30 else reprlib.repr(column)


class PromptFile(_Columns):
    """One problem a line or row of a JSONL, Parquet or CSV file.

    Args:
        path: the file; .jsonl, .parquet or .csv (.json is read as JSONL)
        prompt_column: text, or a list of chat messages
        answer_column: the label; rows without it are fine
        id_column: unique ids; the row's number where there is none
        system_prompt: put in front of each prompt that has none
        skip_bad_rows: warn and go on at a malformed row instead of stopping
        solution_column: a worked solution, which SFT learns from; rows without it are fine elsewhere
        answer_from_solution: the label is the last \\boxed{} of the solution, instead of a column of its own; a row
            whose solution has none is a bad row
    """

    def __init__(
        self,
        path: str,
        prompt_column: str = "prompt",
        answer_column: str = "answer",
        id_column: str = "id",
        system_prompt: str | None = None,
        skip_bad_rows: bool = False,
        solution_column: str = "solution",
        answer_from_solution: bool = False,
    ) -> None:
        file = Path(path)
        if file.suffix not in _SUFFIXES:
            raise ConfigError(f"path is {path}; a prompt file must end in {', '.join(_SUFFIXES)}")
        if not file.is_file():
            raise ConfigError(f"path is {path}, and there is no such file")
        if file.stat().st_size == 0:
            raise DataError(f"{path} is empty; a prompt file needs at least one row")
        super().__init__(
            file.stem, prompt_column, answer_column, id_column, system_prompt, skip_bad_rows, solution_column,
            answer_from_solution,
        )  # fmt: skip
        self.path = file

    def _source(self) -> Iterator[tuple[str, dict[str, Any] | DataError]]:
        if self.path.suffix == ".csv":
            with self.path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file)
                try:
                    for row in reader:
                        where = f"{self.path}, line {reader.line_num}"
                        cut = DataError(f"{where}: more cells than the header names; quote cells that hold a comma")
                        yield where, cut if None in row else row
                except (UnicodeDecodeError, csv.Error) as error:
                    raise DataError(f"{self.path}, after line {reader.line_num}: not UTF-8 CSV ({error})") from None
        elif self.path.suffix == ".parquet":
            import pyarrow.parquet

            try:
                rows = pyarrow.parquet.read_table(self.path).to_pylist()
            except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
                raise DataError(f"{self.path} is not a whole Parquet file: {_first_line(error)}") from None
            for number, row in enumerate(rows, 1):
                yield f"{self.path}, row {number}", row
        else:
            yield from self._json_lines()

    def _json_lines(self) -> Iterator[tuple[str, dict[str, Any] | DataError]]:
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                where = f"{self.path}, line {number}"
                if not line.strip():
                    continue
                try:
                    row = json.loads(line.decode("utf-8-sig"))
                except UnicodeDecodeError:
                    yield where, DataError(f"{where}: not UTF-8 text")
                except json.JSONDecodeError as error:
                    yield where, DataError(f"{where}: not valid JSON ({error.msg} at column {error.colno})")
                except (RecursionError, ValueError) as error:  # nested too deeply, or a number of thousands of digits
                    yield where, DataError(f"{where}: not valid JSON ({_first_line(error)})")
                else:
                    yield where, row if isinstance(row, dict) else DataError(f"{where}: not a JSON object")


class HubDataset(_Columns):
    """A data set from the Hugging Face hub, or a local directory that `datasets.load_dataset` reads.

    Args:
        path: the data set's id or directory
        name: its configuration
        split: its split
        prompt_column: text, or a list of chat messages
        answer_column: the label; rows without it are fine
        id_column: unique ids; the row's number where there is none
        system_prompt: put in front of each prompt that has none
        skip_bad_rows: warn and go on at a malformed row instead of stopping
        solution_column: a worked solution, which SFT learns from; rows without it are fine elsewhere
        answer_from_solution: the label is the last \\boxed{} of the solution, instead of a column of its own; a row
            whose solution has none is a bad row
    """

    def __init__(
        self,
        path: str,
        name: str | None = None,
        split: str = "train",
        prompt_column: str = "prompt",
        answer_column: str = "answer",
        id_column: str = "id",
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

    def _source(self) -> Iterator[tuple[str, dict[str, Any] | DataError]]:
        from datasets import load_dataset

        try:
            dataset = load_dataset(self.path, self.configuration, split=self.split)
        except Exception as error:
            raise DataError(f"the data set {self.path} could not be loaded: {_first_line(error)}") from error
        for number, row in enumerate(dataset, 1):
            yield f"{self.path}, row {number}", row


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
