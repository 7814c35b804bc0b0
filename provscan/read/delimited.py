"""CSV and TSV through Arrow's parser: quoted fields may hold line ends, ragged rows cost only themselves."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provscan.read.arrays import Reject, assemble, row_position
from provscan.read.columns import Columns, Field, Path
from provscan.read.decompress import ChunkFile, Damaged, chunks
from provscan.read.options import MAX_RECORD_BYTES, ReadOptions, Rejected
from provscan.read.unit import File, Inspection, Part, Unit

BLOCK_BYTES = 4 << 20
STRADDLING = "straddling"
"""Arrow's word for a row that is longer than its block."""


def inspect(file: File, options: ReadOptions) -> Inspection:
    """The header; one unit, since a line end may stand inside quotes."""
    stream = _Stream(file.path, file.compression)
    opened = _open(stream, file.format, BLOCK_BYTES, None, lambda row: "skip")
    fields = [Field((name,), "string") for name in opened.schema.names]
    return Inspection(fields, True, lambda: [Part(0, None, 0, None, file.size or 0)])


def batches(unit: Unit, options: ReadOptions, reject: Reject) -> Iterator[pa.RecordBatch]:
    """The rows. A ragged one is rejected; one that fits no block of `MAX_RECORD_BYTES` costs the rest of the file."""
    rows = _Rows(unit.path, reject)
    reason: str | None = None
    for block_bytes in (BLOCK_BYTES, MAX_RECORD_BYTES):
        stream = _Stream(unit.path, unit.compression)
        skip = rows.good
        try:
            opened = _open(stream, unit.format, block_bytes, unit.columns, rows.ragged)
            for batch in opened:
                fresh = batch.slice(min(skip, batch.num_rows))
                skip -= batch.num_rows - fresh.num_rows
                yield assemble(unit.path, unit.columns, rows.number(fresh.num_rows), _arrays(fresh, unit), reject)
        except pa.ArrowInvalid as error:
            if STRADDLING not in str(error):
                raise
            reason = f"a row is longer than {MAX_RECORD_BYTES} bytes"
            continue
        reason = stream.damage
        break
    if reason is not None:
        where = "file" if rows.next == 0 else f"after row {rows.next - 1}"
        reject(Rejected(unit.path, where, reason))


class _Rows:
    """Numbers the good rows of a file around the ragged ones, which Arrow leaves out and reports ahead of time."""

    def __init__(self, path: str, reject: Reject) -> None:
        self._path, self._reject = path, reject
        self._ragged: dict[int, None] = {}
        self.next = 0
        self.good = 0

    def ragged(self, row: Any) -> str:
        number = row.number - 2  # Arrow counts from 1 and counts the header
        if number not in self._ragged and number >= self.next:
            self._ragged[number] = None
            reason = f"the row has {row.actual_columns} fields, the header has {row.expected_columns}"
            self._reject(Rejected(self._path, row_position(number), reason))
        return "skip"

    def number(self, count: int) -> np.ndarray:
        """The rows of the next `count` good records."""
        numbers = np.arange(self.next, self.next + count + len(self._ragged), dtype=np.int64)
        numbers = numbers[~np.isin(numbers, list(self._ragged))][:count]
        if count:
            self.next = int(numbers[-1]) + 1
            self.good += count
            self._ragged = {row: None for row in self._ragged if row >= self.next}
        return numbers


class _Stream:
    """The bytes of a file for Arrow: they end at a line end, and at a damage, which is kept in `damage`."""

    def __init__(self, path: str, compression: str | None) -> None:
        self.damage: str | None = None
        self.file = io.BufferedReader(ChunkFile(self._pieces(path, compression)), 1 << 18)

    def _pieces(self, path: str, compression: str | None) -> Iterator[bytes]:
        held = b""
        try:
            for chunk in chunks(path, compression):
                if held:
                    yield held
                held = chunk
        except Damaged as error:
            self.damage = error.reason
            held = held[: held.rfind(b"\n") + 1]
        if held:
            yield held
            if not held.endswith(b"\n"):
                yield b"\n"  # Arrow takes a header without a line end for an empty file


def _open(stream: _Stream, format: str, block_bytes: int, columns: Columns | None, ragged: Callable[[Any], str]) -> Any:
    import pyarrow.csv

    names = None if columns is None else [path[0] for path in columns.paths]
    return pyarrow.csv.open_csv(
        stream.file,
        pyarrow.csv.ReadOptions(use_threads=False, block_size=block_bytes),
        pyarrow.csv.ParseOptions(
            delimiter="\t" if format == "tsv" else ",", newlines_in_values=True, invalid_row_handler=ragged
        ),
        pyarrow.csv.ConvertOptions(
            check_utf8=False,
            include_columns=names,
            column_types={name: pa.string() for name in names or ()},
            strings_can_be_null=False,
        ),
    )


def _arrays(batch: pa.RecordBatch, unit: Unit) -> dict[Path, pa.Array]:
    """The columns by path; an empty id or label is an absent one, an empty text is a document."""
    arrays = {path: batch.column(batch.schema.names.index(path[0])) for path in unit.columns.paths}
    for path, array in arrays.items():
        if path != unit.columns.text:
            arrays[path] = pc.if_else(pc.equal(pc.binary_length(array), 0), pa.scalar(None, array.type), array)
    return arrays
