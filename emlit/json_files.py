"""Rows of JSON: a line each, or one document that holds them all."""

import json
from codecs import BOM_UTF8
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from emlit.errors import DataError, first_line
from emlit.text_files import as_text, encoding_of, opened

SourceRow = tuple[str, dict[str, Any] | DataError]
SAVE_AS_UTF8 = "save it as UTF-8"


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
            document = json.loads(file.read())
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


def _first_lines(file: BinaryIO, most: int = 5) -> list[str]:
    """The first lines that are not blank; none of what is no text."""
    text = as_text(file, "\n")
    try:
        return list(islice((line for line in text if line.strip()), most))
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


def _is_table(value: Any) -> bool:
    """Whether a value is an array of rows, and not the messages of one row."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, dict) and not {"role", "from", "type"} & each.keys() for each in value)
    )


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
            row = json.loads(line.decode("utf-8-sig"))
        except UnicodeDecodeError:
            yield where, DataError(f"{where}: not UTF-8 text; {SAVE_AS_UTF8}")
        except json.JSONDecodeError as error:
            yield where, DataError(f"{where}: not valid JSON ({error.msg} at column {error.colno}){_hint(line)}")
        except (RecursionError, ValueError) as error:  # nested too deeply, or a number of thousands of digits
            yield where, DataError(f"{where}: not valid JSON ({first_line(error)})")
        else:
            yield where, row if isinstance(row, dict) else DataError(f"{where}: not a JSON object{_hint(line)}")


def _hint(line: bytes) -> str:
    return "; a file that is one JSON array must end in .json" if line.lstrip()[:1] == b"[" else ""
