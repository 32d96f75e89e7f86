"""Rows of many files in one place on the disk, from where any of them is read by its number."""

import json
import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from emlit.errors import DataError, StorageError, first_line
from emlit.sources import SourceRow, file_rows

if TYPE_CHECKING:
    from datasets import Dataset

_FORMAT = 2  # raised when what is stored of a row changes, so that older copies are not read
_RAISED = re.compile(r"^(?:emlit\.errors\.)?(DataError|OSError|PermissionError|FileNotFoundError): (.+)$", re.MULTILINE)


class StoredRows(Sequence[SourceRow]):
    """The rows of some files in the order of the files, kept as Arrow files that are mapped into memory.

    `datasets` writes them, in batches, into its cache; the first process that asks for them holds its lock, and the
    others wait and find them. Each row is stored as the JSON text of what `file_rows` made of it, so that it is the row
    that `PromptFile` reads (what JSON does not know, such as a date, is its text).

    Other ways that were tried or considered: `load_dataset("json" | "csv")` ends at the first malformed line without
    its number, and makes 10 of a CSV file's "010"; an index of byte offsets needs no copy of the data, but Parquet has
    no row to seek to (a whole row group is decoded for one), a CSV row may span lines, and the index, its cache and its
    lock would be our own; `IterableDataset` shuffles within a buffer, so that what a round draws would depend on
    everything drawn before.

    Args:
        shards: JSONL, Parquet and CSV files
        cache_dir: where they are kept; the cache of `datasets` unless set
        workers: processes that write, each with files of its own

    Raises:
        DataError: a file as a whole cannot be read, or none has a row
        StorageError: no room for them
    """

    def __init__(self, shards: Sequence[Path], cache_dir: str | None, workers: int) -> None:
        self._dataset = _prepared(shards, cache_dir, workers)
        if not len(self._dataset):
            raise DataError(f"{shards[0]} and the files beside it have no row")
        named = [[shard.name, shard.stat().st_size] for shard in shards]
        self.fingerprint = f"{len(self)} rows ({_digest(named)})"

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> SourceRow:  # type: ignore[override]  # no slices
        stored = self._dataset[index]
        if stored["error"] is not None:
            return stored["where"], DataError(stored["error"])
        return stored["where"], json.loads(stored["row"].decode("utf-8", "surrogatepass"))

    def first_error(self) -> DataError | None:
        """What is wrong with the first row that is not a row at all; read off Arrow's counts, without a search."""
        first = 0
        for chunk in self._dataset.data.column("error").chunks:
            if chunk.null_count < len(chunk):
                inside = int(numpy.argmax(chunk.is_valid().to_numpy(zero_copy_only=False)))
                return DataError(self._dataset[first + inside]["error"])
            first += len(chunk)
        return None


def _prepared(shards: Sequence[Path], cache_dir: str | None, workers: int) -> "Dataset":
    from datasets import Dataset, Features, Value

    stats = [shard.stat() for shard in shards]
    key = [_FORMAT, *([str(path.resolve()), s.st_size, s.st_mtime_ns] for path, s in zip(shards, stats, strict=True))]
    try:
        return Dataset.from_generator(
            _records,
            Features({"where": Value("string"), "row": Value("large_binary"), "error": Value("string")}),
            cache_dir=cache_dir,
            gen_kwargs={"shards": list(map(str, shards))},
            num_proc=min(workers, len(shards)) if min(workers, len(shards)) > 1 else None,
            fingerprint=_digest(key),
        )
    except Exception as error:
        raise _told(error, cache_dir) from error


def _records(shards: Sequence[str]) -> Iterator[dict[str, Any]]:
    for shard in shards:
        for where, fields in file_rows(Path(shard)):
            if isinstance(fields, DataError):
                yield {"where": where, "row": None, "error": str(fields)}
                continue
            text = json.dumps(fields, ensure_ascii=False, default=str)
            # Half a surrogate pair is refused when the row is read, like other rows that cannot be used.
            yield {"where": where, "row": text.encode("utf-8", "surrogatepass"), "error": None}


def _told(error: Exception, cache_dir: str | None) -> Exception:
    """What ended the writing, which `datasets` puts into an error of its own."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    # What ended a worker comes as the text of its traceback, the first cause first.
    remote = _RAISED.search(str(causes[-1]))
    for cause in causes:
        if isinstance(cause, DataError):
            return cause
        if isinstance(cause, OSError):
            return _not_written(str(cause), cache_dir)
    if remote is None:
        return DataError(f"data.train could not be prepared: {first_line(causes[-1])}")
    name, text = remote.groups()
    return DataError(text) if name == "DataError" else _not_written(text, cache_dir)


def _not_written(reason: str, cache_dir: str | None) -> StorageError:
    return StorageError(
        f"data.train could not be copied to {cache_dir or 'the cache of datasets (HF_DATASETS_CACHE)'}: {reason}; the "
        "copy is about as large as the files, and data.train.cache_dir says where it is kept"
    )


def _digest(parts: Sequence[Any]) -> str:
    return blake2b(json.dumps(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
