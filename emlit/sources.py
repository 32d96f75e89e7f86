"""Rows of a file or of a data set, each with where it stands."""

import csv
import glob
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from emlit import hub
from emlit.errors import ConfigError, DataError, first_line
from emlit.json_files import SAVE_AS_UTF8, SourceRow, json_document, json_lines
from emlit.text_files import as_text, kind, opened

_LONGEST_CELL = 1 << 30
_PARQUET_ROWS = 1000  # decoded at a time


def require_file(path: str) -> Path:
    """The path of a file that `file_rows` reads.

    Raises:
        ConfigError: there is none, or it ends in something else
        DataError: it is empty
    """
    file = Path(path)
    if file.is_dir():
        raise ConfigError(f"path is {path}, a directory; name a file in it, or read all of them with StreamedPrompts")
    if kind(file) not in SUFFIXES:
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
        found = sorted(file for file in Path(path).iterdir() if kind(file) in SUFFIXES)
        if not found:
            raise ConfigError(f"path is {path}, a directory without a file that ends in {', '.join(SUFFIXES)}")
    else:
        found = [Path(path)] if Path(path).is_file() else sorted(map(Path, glob.glob(path, recursive=True)))
        if not found:
            raise ConfigError(f"path is {path}, and there is no such file, directory or glob that matches one")
    return [require_file(str(file)) for file in found]


def file_rows(path: Path) -> Iterator[SourceRow]:
    """Of a JSON, JSONL, Parquet or CSV file; text may be compressed by gzip.

    Raises:
        DataError: the file as a whole cannot be read
    """
    return _READERS[kind(path)](path)


def _csv(path: Path) -> Iterator[SourceRow]:
    with opened(path) as file:
        csv.field_size_limit(_LONGEST_CELL)
        reader = csv.DictReader(as_text(file, newline=""), strict=True)
        line = 1  # at which the next row begins
        try:
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            _require_once(path, reader.fieldnames)
            line = reader.reader.line_num + 1
            for row in reader:
                line = reader.reader.line_num + 1  # the DictReader's own is off after blank lines
                where = f"{path}, line {reader.reader.line_num}"
                cut = DataError(f"{where}: more cells than the header names; quote cells that hold a comma")
                yield where, cut if None in row else row
        except UnicodeError as error:
            raise DataError(f"{path}, after line {reader.line_num}: not UTF-8 ({error}); {SAVE_AS_UTF8}") from None
        except csv.Error as error:
            raise DataError(
                f"{path}, line {line}: not CSV ({error}); a quote within quotes is doubled, and each cell's last one "
                "stands before a comma or the line's end"
            ) from None


def _require_once(path: Path, columns: Sequence[str]) -> None:
    if twice := next((name for name in columns if name and columns.count(name) > 1), None):
        raise DataError(f"{path} has several columns named {twice!r}; leave one, or rename the others")


def _parquet(path: Path) -> Iterator[SourceRow]:
    import pyarrow.parquet

    with opened(path):  # for its sentences
        pass
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            _require_once(path, file.schema_arrow.names)
            rows = chain.from_iterable(batch.to_pylist() for batch in file.iter_batches(_PARQUET_ROWS))
            for number, row in enumerate(rows, 1):
                yield f"{path}, row {number}", row
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path} is not a whole Parquet file: {first_line(error)}") from None


_READERS: dict[str, Callable[[Path], Iterator[SourceRow]]] = {
    ".jsonl": json_lines,
    ".json": json_document,
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl.gz": json_lines,
    ".json.gz": json_document,
    ".csv.gz": _csv,
}
SUFFIXES = tuple(_READERS)
_SAVED_TO_DISK = ("dataset_dict.json", "state.json")


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
    if data_files is None and Path(path).is_file():
        raise ConfigError(f"path is {path}, a file, and a data set is a hub id or a directory; PromptFile reads files")
    is_local = Path(path).exists()
    if not is_local:
        hub.configure()
    from datasets import load_dataset, load_from_disk

    try:
        if any((Path(path) / name).is_file() for name in _SAVED_TO_DISK):
            saved = load_from_disk(path)
            dataset = saved[split] if isinstance(saved, dict) else saved
        else:
            dataset = load_dataset(path, name, split=split, data_files=data_files and list(data_files))
    except Exception as error:
        way_out = "" if is_local else "; a local copy serves too"
        reason = f"it has no split {split!r}" if isinstance(error, KeyError) else first_line(error)
        raise DataError(f"the data set {path} could not be loaded: {reason}{way_out}") from error
    for number, row in enumerate(dataset, 1):
        yield f"{path}, row {number}", row


def require_unicode(text: str, what: str) -> None:
    """Raise DataError for what JSON can escape and no tokenizer takes and no UTF-8 file holds."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(f"{what} has half of a surrogate pair (\\ud800 to \\udfff), which is no character") from None
