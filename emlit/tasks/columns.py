"""What files and data sets share: which column is the prompt, which the label, which the solution."""

import logging
import reprlib
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from emlit.errors import DataError
from emlit.grading import extract_boxed
from emlit.records import Message, Row
from emlit.sources import SourceRow, require_unicode
from emlit.tasks.base import Task
from emlit.tasks.fields import found, has, prompt_in, shown, solution_from, template_arguments
from emlit.tasks.labels import labels_from, looks_worked
from emlit.tasks.messages import prompt_from

log = logging.getLogger(__name__)

_SHOWN = 5  # skipped rows that are named; of the others there is a count
_VERL = "reward_model.ground_truth"  # where verl's files have the label
# Columns that public data sets put beside the one that asks, and the names of that one.
_BESIDE_PROMPT = ("input", "context", "passage", "body", "Body")
_MEDIA = ("image", "images", "video", "videos", "audio", "audios")  # as TRL and verl have them
_IN_PARTS = ("instruction", "question", "Question")
_LABELS = ("label", "gold", "target", "ground_truth", "final_answer", "expected_answer", "answers", "Answer")
OR_SKIP = "(or skip such rows with skip_bad_rows: true)"


class Columns(Task):
    """Problems whose prompt, label, id and solution each have a column.

    Args:
        task_name: in predictions and reports
        prompt_column: text, or a list of chat messages; OUTER.INNER is a column in an object, "{body} {question}"
            the text of several
        answer_column: the label, or a list of labels of which any is right; rows without it are fine
        id_column: unique ids; the row's number where there is none
        system_prompt: put in front of each prompt that has none
        skip_bad_rows: warn and go on at a malformed row instead of stopping; StreamedPrompts draws another in place
            of it, or of one that is too long
        solution_column: a worked solution, which SFT learns from; rows without it are fine elsewhere. The same as
            prompt_column where the conversation ends in it
        answer_from_solution: the label is the last \\boxed{} of the solution, instead of a column of its own; a row
            whose solution has none is a bad row
    """

    def __init__(
        self,
        *,
        task_name: str,
        prompt_column: str = "prompt",
        answer_column: str = "answer",
        id_column: str | None = "id",
        system_prompt: str | None = None,
        skip_bad_rows: bool = False,
        solution_column: str = "solution",
        answer_from_solution: bool = False,
    ) -> None:
        self.name = task_name
        self.prompt_column = prompt_column
        self.answer_column = answer_column
        self.id_column = id_column
        self.system_prompt = system_prompt
        self.skip_bad_rows = skip_bad_rows
        self.solution_column = solution_column
        self.answer_from_solution = answer_from_solution
        self._warned: set[str] = set()

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
        if seen := next((name for name in _MEDIA if fields.get(name)), None):
            raise DataError(f"{where}: it has {seen!r}, which a model for text cannot see; leave the row out")
        prompt = prompt_from(prompt_in(fields, self.prompt_column, where), where)
        if not isinstance(fields.get("system"), str | None) and "system" not in self.prompt_column:
            raise DataError(f"{where}: 'system' is no text; give the system's turn as a message")
        if _has_text(system := fields.get("system")) and "system" not in self.prompt_column:
            messages = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
            if not has_system(messages):
                prompt = [{"role": "system", "content": system}, *messages]
        prompt, solution = self._solution(prompt, fields, where)
        column = self.answer_column
        if column == "answer" and column not in fields and found(fields, _VERL) is not None:
            column = _VERL
        labels = labels_from(found(fields, column), column, where)
        own_id = found(fields, self.id_column)
        for name, value in ((self.id_column, str(own_id)), (column, "".join(labels)), (self.solution_column, solution)):
            require_unicode(value or "", f"{where}: the {name!r}")
        answers = [self._boxed(solution, where)] if self.answer_from_solution else labels
        self._look(fields, prompt, answers, where)
        return Row(
            id=str(position if own_id is None or own_id == "" else own_id),
            prompt=prompt,
            answer=answers[0] if answers else None,
            fields=fields,
            source=where,
            solution=solution,
            alternatives=tuple(answers[1:]),
            template_arguments=template_arguments(fields, prompt, where),
        )

    def _solution(
        self, prompt: str | list[Message], fields: dict[str, Any], where: str
    ) -> tuple[str | list[Message], str | None]:
        if self.solution_column != self.prompt_column:
            return prompt, solution_from(found(fields, self.solution_column))
        if isinstance(prompt, str) or prompt[-1]["role"] != "assistant" or len(prompt) == 1:
            raise DataError(
                f"{where}: {self.prompt_column!r} is both prompt_column and solution_column, and does not end in a "
                "message of the assistant after others; name another solution_column"
            )
        return prompt[:-1], solution_from(prompt[-1]["content"])

    def _look(self, fields: dict[str, Any], prompt: str | list[Message], answers: list[str], where: str) -> None:
        """Warn, once each, of what is probably not meant."""
        if answers and looks_worked(answers[0]):
            self._warn(
                "label",
                f"{where}: the label has {len(answers[0])} characters and ends in no #### and no \\boxed{{}}, so it is "
                "compared as a whole; set answer_column to a column with the answer alone",
            )
        unread = [name for name in _BESIDE_PROMPT if name not in self.prompt_column and _has_text(fields.get(name))]
        if unread and self.prompt_column in _IN_PARTS:
            self._warn(
                "unread",
                f"{where}: {', '.join(map(repr, unread))} beside {self.prompt_column!r} is not read; several columns "
                f"make one prompt with prompt_column: '{{{unread[0]}}} {{{self.prompt_column}}}'",
            )
        if isinstance(prompt, list) and prompt[-1]["role"] == "assistant" and prompt[-1]["content"]:
            self._warn(
                "begun",
                f"{where}: the prompt ends in a message of the assistant, which the model goes on with; where it is "
                f"the answer to learn from, set solution_column to {self.prompt_column} as well",
            )
        if not answers and not has(fields, self.answer_column):
            other = next((name for name in _LABELS if name in fields), None)
            if self.answer_column != "answer" or other is not None:
                hint = "" if other is None else f" (to {other}?)"
                self._warn(
                    "unlabelled", f"{where}: no column {self.answer_column!r}, so no label; set answer_column{hint}"
                )

    def _warn(self, kind: str, sentence: str) -> None:
        if kind not in self._warned:
            self._warned.add(kind)
            log.warning("%s", sentence)

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

    path: Path | str
    _rows: list[Row] | None = None

    @abstractmethod
    def _source(self) -> Iterator[SourceRow]:
        """Each row with where it stands, or what is wrong with it."""

    def rows(self) -> list[Row]:
        if self._rows is None:
            self._rows = list(self._read())
            if not self._rows:
                raise DataError(f"{self.path} has no usable row; give it at least one with a {self.prompt_column!r}")
            self._require_named(self._rows)
        return self._rows

    def _require_named(self, rows: list[Row]) -> None:
        """Raise DataError for a column that was named, by another name than the usual one, and is in no row."""
        for key, usual in (("answer_column", "answer"), ("solution_column", "solution"), ("id_column", "id")):
            name = getattr(self, key)
            if name not in (None, usual) and not any(has(row.fields, name) for row in rows):
                columns = ", ".join(map(shown, list(rows[0].fields)[:20]))
                raise DataError(f"{self.path}: no row has the column {name!r} of {key}; the columns are {columns}")

    def _read(self) -> Iterable[Row]:
        seen: set[str] = set()
        skipped = 0
        for position, (where, fields) in enumerate(self._source()):
            try:
                row = self.row(where, fields, position)
                if row.id in seen:
                    raise DataError(
                        f"{where}: the {self.id_column!r} {reprlib.repr(row.id)} is there twice (a row without one has "
                        "its number); ids must differ: set id_column, or id_column: null to number the rows"
                    )
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


def _has_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def has_system(messages: list[Message]) -> bool:
    return any(message["role"] == "system" for message in messages)
