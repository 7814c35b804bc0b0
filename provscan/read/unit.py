"""The unit of work of a scan: a piece of a file that any worker can read on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

import pyarrow as pa

from provscan.read.arrays import Reject, split
from provscan.read.columns import Columns, Field
from provscan.read.options import ReadOptions, Rejected
from provscan.read.source import one_line

READERS = {
    "parquet": "provscan.read.parquet",
    "arrow": "provscan.read.arrow_ipc",
    "arrows": "provscan.read.arrow_ipc",
    "jsonl": "provscan.read.jsonl",
    "json": "provscan.read.json_array",
    "csv": "provscan.read.delimited",
    "tsv": "provscan.read.delimited",
    "text": "provscan.read.plain",
}
"""The module of each format (``arrows`` is the Arrow stream); it has `inspect` and `batches`, see `reader`."""


@dataclass(frozen=True)
class File:
    """A file that was found: its path, stored bytes (None where a server does not say), format and compression."""

    path: str
    size: int | None
    format: str
    compression: str | None


@dataclass(frozen=True)
class Part:
    """A piece of a file: bytes or row groups from `start` to `stop` (None: the end), its first row, rows and bytes."""

    start: int
    stop: int | None
    first_row: int
    rows: int | None
    bytes: int


@dataclass(frozen=True)
class Inspection:
    """What a reader sees before it reads.

    `fixed` says that `fields` is the schema and not just what the first records have; `parts` cuts the file, which
    may take a pass through it and is therefore not done before the columns are known to be there.
    """

    fields: list[Field]
    fixed: bool
    parts: Callable[[], Iterable[Part]]


@dataclass(frozen=True)
class Unit:
    """A piece of a file, small enough to describe that it can be pickled and sent anywhere.

    Parameters
    ----------
    name : str
        Unique in its plan, the same for the same input, sorts as the input does, usable in a file name.
    path, format, compression : str
        The file; see `File`.
    part : int
        Number of the unit in its file.
    first_row : int
        Rows of the file (for JSONL lines) before this unit.
    start, stop : int
        Bytes of a JSONL file, row groups of a Parquet file, otherwise 0 and None for the whole file.
    rows : int or None
        Rows in the unit, None where only reading it tells.
    bytes : int
        About its cost: stored bytes, for Parquet the uncompressed bytes of its row groups.
    columns : Columns
        The columns to read.
    """

    name: str
    path: str
    format: str
    compression: str | None
    part: int
    first_row: int
    start: int
    stop: int | None
    rows: int | None
    bytes: int
    columns: Columns

    def batches(self, options: ReadOptions, reject: Reject) -> Iterator[pa.RecordBatch]:
        """Read the unit.

        Parameters
        ----------
        options : ReadOptions
            Sizes of the batches; the columns were chosen when the unit was planned.
        reject : callable
            Receives a `Rejected` for every record, row group or rest of a file that cannot be read.

        Yields
        ------
        RecordBatch
            `row` int64 (0-based in the file), `id` string, `text` string or large_string (never null, always UTF-8),
            and a string column for each metadata name; in row order, never empty, perhaps slices with an offset.
        """
        last = None
        try:
            for batch in reader(self.format).batches(self, options, reject):
                for piece in split(batch, options):
                    last = piece.column("row")[-1].as_py()
                    yield piece
        except FAILURES as error:
            position = "file" if last is None else f"after row {last}"
            reject(Rejected(self.path, position, one_line(error)))


FAILURES = (OSError, pa.ArrowException, MemoryError, UnicodeError)
"""What reading a bad file may raise: the rest of the unit is lost and everything else goes on."""


def reader(format: str) -> ModuleType:
    """The module that reads a format.

    It has ``inspect(file, options) -> Inspection`` and ``batches(unit, options, reject) -> iterator of RecordBatch``.
    """
    return import_module(READERS[format])
