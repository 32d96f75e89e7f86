"""Prompts of the user's own that are too many to be read whole."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from emlit.errors import DataError, require_at_least
from emlit.records import Row
from emlit.sources import SourceRow, file_rows, require_shards
from emlit.tasks.columns import OR_SKIP, Columns
from emlit.tasks.stored import StoredRows
from emlit.text_files import stem

_FIRST = 4  # rows of each file that are checked before anything else


class StreamedPrompts(Columns):
    """One problem a line or row of any number of JSONL, Parquet and CSV files, never whole in memory; for data.train.

    On first use the files are copied once into an Arrow cache, from which a row is read when a round draws it. Ids need
    not differ.

    Args:
        path: a file, a directory or a glob; .jsonl, .json, .parquet or .csv, text compressed by gzip too
        cache_dir: where the copy is kept, about as large as the files; the cache of `datasets` unless set
        workers: processes that copy, each files of its own
        columns: as of Columns
    """

    streamed: ClassVar[bool] = True

    def __init__(self, path: str, cache_dir: str | None = None, workers: int = 1, **columns: Any) -> None:
        require_at_least(1, "StreamedPrompts", workers=workers)
        self.shards = require_shards(path)
        one = Path(path) if Path(path).is_dir() else self.shards[0] if len(self.shards) == 1 else Path(path).parent
        super().__init__(task_name=stem(one) or "prompts", **columns)
        self.cache_dir, self.workers = cache_dir, workers
        self._rows: StreamedRows | None = None

    def first_rows(self) -> Iterator[SourceRow]:
        """The first rows of each file, from the file itself.

        Raises:
            DataError: a file has none, or cannot be read
        """
        for shard in self.shards:
            first = list(islice(file_rows(shard), _FIRST))
            if not first:
                raise DataError(f"{shard} has no row; leave it out of data.train.path")
            yield from first

    def rows(self) -> "StreamedRows":
        """All rows, each read when it is asked for; the first call copies them.

        Raises:
            DataError: a file cannot be read, or has a row that is not one and `skip_bad_rows` is not set
        """
        if self._rows is None:
            stored = StoredRows(self.shards, self.cache_dir, self.workers)
            if not self.skip_bad_rows and (error := stored.first_error()) is not None:
                raise DataError(f"{error} {OR_SKIP}")
            self._rows = StreamedRows(self, stored)
        return self._rows

    def row(self, where: str, fields: dict[str, Any] | DataError, position: int) -> Row:
        try:
            return super().row(where, fields, position)
        except DataError as error:
            raise DataError(f"{error}" if self.skip_bad_rows else f"{error} {OR_SKIP}") from None


class StreamedRows(Sequence[Row]):
    """The problems of a streamed task; one that cannot be used raises DataError when it is asked for."""

    def __init__(self, task: StreamedPrompts, stored: StoredRows) -> None:
        self.task, self.stored = task, stored
        self.fingerprint = stored.fingerprint

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, index: int) -> Row:  # type: ignore[override]  # no slices
        position = range(len(self))[index]
        return self.task.row(*self.stored[position], position)
