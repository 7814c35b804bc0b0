"""What a reader is told and what it says about input that it can't use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provscan.errors import InputError

MAX_RECORD_BYTES = 64 << 20
"""A line, element or document over this is skipped in bounded memory and rejected; the rest of its file goes on."""


@dataclass(frozen=True)
class Rejected:
    """Input that was not read: a line of rejected.jsonl.

    Parameters
    ----------
    path : str
        The file, as it was named or found.
    position : str
        Where in the file: ``row 17`` (0-based, as in the row column), ``line 18`` (1-based), ``row group 2``,
        ``byte 123``, ``after line 12`` or ``file``.
    reason : str
        Why, in a few words.
    """

    path: str
    position: str
    reason: str


@dataclass(frozen=True)
class ReadOptions:
    """What to read from each input and in what pieces.

    Parameters
    ----------
    text : str or None
        The text column; a dotted name descends into structs and JSON objects. By default the first of
        `provscan.read.columns.TEXT_COLUMNS` that the file has.
    meta : mapping of str to str
        Metadata name to column, where a column is called otherwise.
    id : str or None
        The id column; by default ``id`` where there is one.
    metadata : tuple of str
        The metadata columns wanted in the batches, usually some of `provscan.schema.METADATA_COLUMNS`.
    batch_bytes, batch_rows : int
        About the largest amount of text in a batch, and the largest number of rows.
    unit_bytes : int
        About the size of a unit of work: a byte range of plain JSONL, neighbouring row groups of Parquet.
    """

    text: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    id: str | None = None
    metadata: tuple[str, ...] = ()
    batch_bytes: int = 4 << 20
    batch_rows: int = 8192
    unit_bytes: int = 64 << 20

    def __post_init__(self) -> None:
        for name in ("batch_bytes", "batch_rows", "unit_bytes"):
            value = getattr(self, name)
            if value < 1:
                raise InputError(f"{name} is {value}; it has to be 1 or more.")
        for name in self.metadata:
            if name in ("row", "id", "text") or self.metadata.count(name) > 1:
                raise InputError(f"The metadata column '{name}' would stand in a batch twice; name it once.")
