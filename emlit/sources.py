"""Rows of a file or of a data set, each with where it stands."""

import csv
import glob
import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from emlit.errors import ConfigError, DataError, first_line

SUFFIXES = (".jsonl", ".json", ".parquet", ".csv")
_PARQUET_ROWS = 1000  # decoded at a time
# Where a row stands, for messages, and the row, or what is wrong with it.
SourceRow = tuple[str, dict[str, Any] | DataError]


def require_file(path: str) -> Path:
    """The path of a file that `file_rows` reads.

    Raises:
        ConfigError: there is none, or it ends in something else
        DataError: it is empty
    """
    file = Path(path)
    if file.suffix not in SUFFIXES:
        raise ConfigError(f"path is {path}; a prompt file must end in {', '.join(SUFFIXES)}")
    if not file.is_file():
        raise ConfigError(f"path is {path}, and there is no such file")
    if file.stat().st_size == 0:
        raise DataError(f"{path} is empty; a prompt file needs at least one row")
    return file


def require_shards(path: str) -> list[Path]:
    """The files that a path means, in the order of their names: a file, those of a directory, or those of a glob.

    Raises:
        ConfigError: there is none, or one that `file_rows` does not read
        DataError: one is empty
    """
    if Path(path).is_dir():
        found = sorted(file for file in Path(path).iterdir() if file.suffix in SUFFIXES)
        if not found:
            raise ConfigError(f"path is {path}, a directory without a file that ends in {', '.join(SUFFIXES)}")
    else:
        found = [Path(path)] if Path(path).is_file() else sorted(map(Path, glob.glob(path, recursive=True)))
        if not found:
            raise ConfigError(f"path is {path}, and there is no such file, directory or glob that matches one")
    return [require_file(str(file)) for file in found]


def file_rows(path: Path) -> Iterator[SourceRow]:
    """Of a JSONL, Parquet or CSV file (.json is read as JSONL).

    Raises:
        DataError: the file as a whole cannot be read
    """
    if path.suffix == ".csv":
        yield from _csv(path)
    elif path.suffix == ".parquet":
        yield from _parquet(path)
    else:
        yield from _json_lines(path)


def _csv(path: Path) -> Iterator[SourceRow]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        try:
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                cut = DataError(f"{where}: more cells than the header names; quote cells that hold a comma")
                yield where, cut if None in row else row
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path}, after line {reader.line_num}: not UTF-8 CSV ({error})") from None


def _parquet(path: Path) -> Iterator[SourceRow]:
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            rows = chain.from_iterable(batch.to_pylist() for batch in file.iter_batches(_PARQUET_ROWS))
            for number, row in enumerate(rows, 1):
                yield f"{path}, row {number}", row
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a whole Parquet file: {first_line(error)}") from None


def _json_lines(path: Path) -> Iterator[SourceRow]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            where = f"{path}, line {number}"
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8-sig"))
            except UnicodeDecodeError:
                yield where, DataError(f"{where}: not UTF-8 text")
            except json.JSONDecodeError as error:
                yield where, DataError(f"{where}: not valid JSON ({error.msg} at column {error.colno})")
            except (RecursionError, ValueError) as error:  # nested too deeply, or a number of thousands of digits
                yield where, DataError(f"{where}: not valid JSON ({first_line(error)})")
            else:
                yield where, row if isinstance(row, dict) else DataError(f"{where}: not a JSON object")


def hub_rows(path: str, name: str | None, split: str, data_files: Sequence[str] | None = None) -> Iterator[SourceRow]:
    """Of a split of a data set from the Hugging Face hub, or of a directory that `datasets.load_dataset` reads.

    Args:
        path: the data set's id or directory, or a format such as "json" for `data_files`
        name: its configuration
        split: its split
        data_files: files to read, which may be on the hub (hf://datasets/ID/FILE)

    Raises:
        DataError: it could not be loaded
    """
    from datasets import load_dataset

    try:
        dataset = load_dataset(path, name, split=split, data_files=data_files and list(data_files))
    except Exception as error:
        raise DataError(
            f"the data set {path} could not be loaded: {first_line(error)}; a local copy serves too"
        ) from error
    for number, row in enumerate(dataset, 1):
        yield f"{path}, row {number}", row


def require_unicode(text: str, what: str) -> None:
    """Raise DataError for what JSON can escape and no tokenizer takes and no UTF-8 file holds."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(f"{what} has half of a surrogate pair (\\ud800 to \\udfff), which is no character") from None
