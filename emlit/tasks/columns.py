"""What files and data sets share: which column is the prompt, which the label, which the solution."""

import logging
import reprlib
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from emlit.errors import DataError
from emlit.sources import SourceRow, require_unicode
from emlit.tasks.answers import extract_boxed
from emlit.tasks.base import Row, Task

log = logging.getLogger(__name__)

_SHOWN = 5  # skipped rows that are named; of the others there is a count
OR_SKIP = "(or skip such rows with skip_bad_rows: true)"


class Columns(Task):
    """Problems whose prompt, label, id and solution each have a column."""

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

    def row(self, where: str, fields: dict[str, Any] | DataError, position: int) -> Row:
        """A row of the source.

        Args:
            where: it stands
            fields: it has, or what is wrong with it
            position: its id where it has none

        Raises:
            DataError: it cannot be used
        """
        if isinstance(fields, DataError):
            raise fields
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
            require_unicode(str(value), f"{where}: the {name!r}")
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


class WholeColumns(Columns):
    """Problems that are read together, once."""

    _rows: list[Row] | None = None

    @abstractmethod
    def _source(self) -> Iterator[SourceRow]:
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
                row = self.row(where, fields, position)
                if row.id in seen:
                    name = reprlib.repr(row.id)
                    raise DataError(f"{where}: the {self.id_column!r} {name} is there twice; ids must differ")
            except DataError as error:
                if not self.skip_bad_rows:
                    raise DataError(f"{error} {OR_SKIP}") from None
                skipped += 1
                if skipped <= _SHOWN:
                    log.warning("skipped: %s", error)
                continue
            seen.add(row.id)
            yield row
        if skipped > _SHOWN:
            log.warning("%s: skipped %d rows in all", self.name, skipped)


def _prompt(value: Any, where: str) -> str | list[dict[str, str]]:
    if isinstance(value, str):
        if not value.strip():
            raise DataError(f"{where}: the prompt is empty")
        require_unicode(value, f"{where}: the prompt")
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
        require_unicode(message["role"] + message["content"], f"{where}: the prompt")
    return [{"role": message["role"], "content": message["content"]} for message in value]


def _shown(column: Any) -> str:
    """A column's name as it stands in an error."""
    return column if isinstance(column, str) and column.isidentifier() and len(column) < 30 else reprlib.repr(column)
