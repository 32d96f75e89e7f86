"""Reading the columns of a row, those inside objects too."""

import json
import re
import reprlib
from collections.abc import Mapping
from typing import Any, TypeGuard

from emlit.errors import DataError
from emlit.records import Message
from emlit.tasks.messages import object_in

_IN_BRACES = re.compile(r"\{([^{}]+)\}")


def has(fields: Mapping[str, Any], column: str) -> bool:
    """Whether a row has a column, by its name or by its path: `reward_model.ground_truth`."""
    if column in fields:
        return True
    outer, dot, inner = column.partition(".")
    within = _within(fields.get(outer)) if dot else None
    return within is not None and has(within, inner)


def found(fields: Mapping[str, Any], column: str | None) -> Any:
    """What a row has in a column, by its name or by its path; None where it has nothing."""
    if column is None or column in fields or not has(fields, column):
        return None if column is None else fields.get(column)
    outer, _, inner = column.partition(".")
    return found(_within(fields[outer]) or {}, inner)


def prompt_in(fields: Mapping[str, Any], column: str, where: str) -> Any:
    """What a row has in its prompt's column, or the text of several columns: `{body} {question}`.

    Raises:
        DataError: a column is not there, or no text where it must be
    """
    names = [column] if has(fields, column) else _IN_BRACES.findall(column) or [column]
    missing = next((name for name in names if not has(fields, name)), None)
    if missing is not None:
        columns = ", ".join(map(shown, list(fields)[:20])) or "none"
        raise DataError(f"{where}: no column {missing!r}; the columns are {columns}: set prompt_column")
    if names == [column]:
        return found(fields, column)
    texts = {name: found(fields, name) for name in names}
    other = next((name for name, text in texts.items() if not isinstance(text, str | int | float | None)), None)
    if other is not None:
        raise DataError(f"{where}: {other!r} is no text; only text makes a prompt together with other columns")
    return _IN_BRACES.sub(lambda match: "" if texts[match[1]] is None else str(texts[match[1]]), column).strip()


def solution_from(value: Any) -> str | None:
    """A worked solution: text, the first of several, or an assistant's message; None for anything else."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, Mapping) and value.get("role") == "assistant":
        value = value.get("content")
    return value if isinstance(value, str) and value.strip() else None


def template_arguments(fields: Mapping[str, Any], prompt: str | list[Message], where: str) -> dict[str, Any]:
    """What a row gives its chat template beside the messages, in columns named as in TRL: tools and arguments.

    Raises:
        DataError: arguments that are no object, or tools that are no list of objects or have no messages beside them
    """
    arguments, tools = (_parsed(fields.get(name)) for name in ("chat_template_kwargs", "tools"))
    if arguments and not _is_object(arguments):
        raise DataError(f"{where}: 'chat_template_kwargs' is no object of names and values; leave the row out")
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    if not tools:
        return given
    if isinstance(prompt, str):
        raise DataError(f"{where}: 'tools' stands beside a text, where no chat template reads it; give messages")
    if not isinstance(tools, list) or not all(map(_is_object, tools)):
        raise DataError(f"{where}: 'tools' is no list of objects (JSON schemas of functions); leave the row out")
    return {**given, "tools": tools}


def _parsed(value: Any) -> Any:
    """What a table has as JSON text."""
    if isinstance(value, str) and value.strip():
        try:
            return json.loads(value)
        except ValueError:
            return [value]
    return value


def shown(column: Any) -> str:
    """A column's name as it stands in an error."""
    return column if isinstance(column, str) and column.isidentifier() and len(column) < 30 else reprlib.repr(column)


def _within(value: Any) -> Mapping[str, Any] | None:
    """An object, or one that a table has as text."""
    return value if isinstance(value, Mapping) else object_in(value) if isinstance(value, str) else None


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
