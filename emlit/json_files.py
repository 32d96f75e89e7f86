"""Rows of JSON, a line each or one document that holds them all, and objects of which the fields are known."""

import json
import reprlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from types import UnionType
from typing import Any, BinaryIO, Literal, get_args, get_origin

from emlit.errors import DataError, first_line
from emlit.text_files import as_text, encoding_of, opened

SourceRow = tuple[str, dict[str, Any] | DataError]
SAVE_AS_UTF8 = "save it as UTF-8"


def json_object(content: bytes, fields: Mapping[str, Any] | None = None, alone: bool = False) -> dict[str, Any]:
    """An object that a file or a line of one holds, whoever wrote it.

    Args:
        content: UTF-8
        fields: what it must have, and of which types
        alone: it must have nothing else

    Raises:
        ValueError: it is no such object; the reason is one line
    """
    try:
        found = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once)
    except UnicodeDecodeError:
        raise ValueError(f"not UTF-8 text; {SAVE_AS_UTF8}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON ({error.msg.removesuffix(' at')} at column {error.colno})") from None
    except (RecursionError, ValueError) as error:  # nested too deeply, or a number of thousands of digits
        raise ValueError(f"not valid JSON ({first_line(error)})") from None
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    if fields is not None and (fields.keys() - found.keys() or (alone and found.keys() - fields.keys())):
        raise ValueError(f"its fields must be {', '.join(fields)}")
    require_types(found, fields or {})
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands twice in one object")
    return found


def require_types(values: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    """Raise ValueError where one of the fields is there and of another type."""
    for name, hint in fields.items():
        if name in values and not _holds(hint)(values[name]):
            raise ValueError(f"{name} is {reprlib.repr(values[name])}")


@cache
def _holds(hint: Any) -> Callable[[Any], bool]:
    """Whether JSON's value is of a type: a list may be a tuple, an int a float, but no bool an int, nor a large one."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return lambda value: value in inner
    tests = [_holds(each) for each in inner]
    if origin is UnionType:
        return lambda value: any(test(value) for test in tests)
    if origin is list:
        return lambda value: type(value) is list and all(map(tests[0], value))
    if origin is dict:
        return lambda value: type(value) is dict and all(map(tests[1], value.values()))
    if origin is tuple:
        return lambda value: (
            type(value) is list
            and len(value) == len(tests)
            and all(test(each) for test, each in zip(tests, value, strict=True))
        )
    if hint in (int, float):
        return lambda value: (type(value) is int and -(2**63) <= value < 2**63) or type(value) is hint is float
    return lambda value: hint is Any or type(value) is hint


def json_lines(path: Path) -> Iterator[SourceRow]:
    """Of a file with an object a line."""
    with opened(path) as file:
        yield from _lines(path, file)


def json_document(path: Path) -> Iterator[SourceRow]:
    """Of a .json file: an array of objects, an object with one such array in it, or JSON lines all the same."""
    with opened(path) as file:
        lines = _first_lines(file)
        if len(lines) > 1 and _is_object(lines[0]):
            yield from _lines(path, file)
            return
        try:
            document = json.loads(file.read(), object_pairs_hook=_once)
        except UnicodeDecodeError:
            raise DataError(f"{path}: not UTF-8 text; {SAVE_AS_UTF8}") from None
        except (ValueError, RecursionError) as error:
            if not any(map(_is_object, lines)):
                raise DataError(f"{path}: not valid JSON ({first_line(error)})") from None
            file.seek(0)
            yield from _lines(path, file)
            return
    for number, row in enumerate(_rows(path, document), 1):
        where = f"{path}, row {number}"
        yield where, row if isinstance(row, dict) else DataError(f"{where}: not a JSON object")


def _first_lines(file: BinaryIO) -> list[str]:
    """The first lines that are not blank; none of what is no text."""
    text = as_text(file, "\n")
    try:
        return list(islice((line for line in text if line.strip()), 5))
    except UnicodeError:
        return []
    finally:
        text.detach()
        file.seek(0)


def _is_object(line: str) -> bool:
    try:
        return line.lstrip()[:1] == "{" and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _rows(path: Path, document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise DataError(f"{path}: neither an array of objects nor an object; give a row an object of its own")
    lists = {name: value for name, value in document.items() if _is_table(value)}
    if len(lists) > 1:
        raise DataError(
            f"{path}: several arrays of rows ({', '.join(map(repr, lists))}); save one as a file of its own"
        )
    if not lists:
        return [document]
    rows = next(iter(lists.values()))
    # As the hub's viewer answers: each row in an object beside its number.
    return [row["row"] for row in rows] if all({"row", "row_idx"} <= row.keys() for row in rows) else rows


_TURNS = ({"role", "content"}, {"role", "tool_calls"}, {"from", "value"}, {"type", "text"}, {"type", "image"})


def _is_table(value: Any) -> bool:
    """Whether a value is an array of rows, and not the messages of one row or the columns of a table."""
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) and _is_row(each) for each in value)


def _is_row(value: dict[str, Any]) -> bool:
    return not any(pair <= value.keys() for pair in _TURNS) and not isinstance(value.get("type"), dict)


def _lines(path: Path, file: BinaryIO) -> Iterator[SourceRow]:
    encoding = encoding_of(file)
    if not encoding.startswith("utf-8"):
        try:
            file_lines: Any = [line.encode() for line in as_text(file, "\n").read().split("\n")]
        except UnicodeError:
            raise DataError(f"{path}: neither UTF-8 nor whole {encoding.upper()} text; {SAVE_AS_UTF8}") from None
    else:
        file_lines = file
    for number, line in enumerate(file_lines, 1):
        where = f"{path}, line {number}"
        if not line.removeprefix(BOM_UTF8).strip():
            continue
        try:
            row: Any = json_object(line)
        except ValueError as error:
            row = DataError(f"{where}: {error}{_hint(line)}")
        yield where, row


def _hint(line: bytes) -> str:
    return "; a file that is one JSON array must end in .json" if line.lstrip()[:1] == b"[" else ""
