"""Text files as people have them: UTF-8 or UTF-16 with or without a mark, LF or CRLF, compressed by gzip or not."""

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from emlit.errors import DataError, first_line

_LFS = b"version https://git-lfs"
# How other files begin, and what they are.
_OTHERS = {
    b"\x1f\x8b": "is compressed by gzip; end its name in .gz",
    b"PK\x03\x04": "is a zip archive; unpack it",
    b"PAR1": "is a Parquet file; end its name in .parquet",
    b"<!doctype": "is a web page and not the file; fetch it again",
    b"<html": "is a web page and not the file; fetch it again",
}
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def kind(path: Path) -> str:
    """The suffix that says what a file holds, in small letters; that before .gz where there is one."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return "".join(suffixes[-2:]) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])


def stem(path: Path) -> str:
    """The file's name without what `kind` finds at its end."""
    return path.stem if path.suffix.lower() != ".gz" else Path(path.stem).stem


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file's bytes, decompressed.

    Raises:
        DataError: it cannot be read, is no whole gzip file, or only points to one of git-lfs
    """
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            start = file.read(len(_LFS))
            if start == _LFS:
                raise DataError(f"{path} only points to a file of git-lfs; fetch it with git lfs pull")
            for begin, what in _OTHERS.items():
                if start.lstrip().lower().startswith(begin.lower()) and kind(path) != ".parquet":
                    raise DataError(f"{path} {what}")
            file.seek(0)
            yield file  # type: ignore[misc]  # a GzipFile has all of it
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is not a whole gzip file: {first_line(error)}; fetch it again") from None
    except OSError as error:
        raise DataError(f"{path} could not be read: {error.strerror or first_line(error)}") from None


def encoding_of(file: BinaryIO) -> str:
    """The encoding that a file's first bytes tell; UTF-8 where they tell none."""
    start = file.read(4)
    file.seek(0)
    found = next((name for mark, name in _MARKS.items() if start.startswith(mark)), None)
    # Without a mark the zeros beside ASCII tell: JSON and a CSV header begin with two such characters.
    return found or (json.detect_encoding(start) if b"\0" in start else "utf-8")


def as_text(file: BinaryIO, newline: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(file, encoding=encoding_of(file), newline=newline)
