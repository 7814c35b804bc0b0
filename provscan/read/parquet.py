"""Parquet: a unit is one row group or several small neighbours; a damaged row group costs only itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa

from provscan.read.arrays import Reject, assemble, bounded, fields_of, pick
from provscan.read.columns import Columns
from provscan.read.options import ReadOptions, Rejected
from provscan.read.source import is_url, one_line, open_bytes
from provscan.read.unit import FAILURES, File, Inspection, Part, Unit

DECODE_BYTES = 4 << 20
DECODE_ROWS = 8192
"""Size of a decoding step. Fixed, so that what is read before a damaged page does not depend on the batch size."""


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    import pyarrow.parquet as pq

    if not is_url(path):
        # not memory-mapped: a mapped file that is cut while it is read kills the process
        with pa.OSFile(path, "rb") as file:
            yield pq.ParquetFile(file, page_checksum_verification=True)
        return
    with open_bytes(path, seekable=True) as remote:
        yield pq.ParquetFile(remote, pre_buffer=True, page_checksum_verification=True)


def inspect(file: File, options: ReadOptions) -> Inspection:
    """The schema, and the row groups in runs of at most `options.unit_bytes` uncompressed."""
    with _opened(file.path) as opened:
        fields = fields_of(opened.schema_arrow)
        groups = [opened.metadata.row_group(i) for i in range(opened.metadata.num_row_groups)]
        sizes = [(group.num_rows, group.total_byte_size) for group in groups]
    parts = list(_runs(sizes, options.unit_bytes))
    return Inspection(fields, True, lambda: parts)


def _runs(sizes: list[tuple[int, int]], unit_bytes: int) -> Iterator[Part]:
    start = first_row = rows = total = 0
    for index, (count, size) in enumerate(sizes):
        if index > start and total + size > unit_bytes:
            yield Part(start, index, first_row, rows, total)
            start, first_row, rows, total = index, first_row + rows, 0, 0
        rows, total = rows + count, total + size
    if start < len(sizes):
        yield Part(start, len(sizes), first_row, rows, total)


def batches(unit: Unit, options: ReadOptions, reject: Reject) -> Iterator[pa.RecordBatch]:
    """The rows of the unit's row groups; a group that cannot be decoded is rejected from its first bad row on."""
    names = [".".join(path) for path in unit.columns.paths]
    row = unit.first_row
    with _opened(unit.path) as opened:
        for group in range(unit.start, opened.metadata.num_row_groups if unit.stop is None else unit.stop):
            done = row
            try:
                for batch in _decoded(opened, group, names, unit.columns):
                    rows = np.arange(done, done + batch.num_rows, dtype=np.int64)
                    arrays = {path: pick(batch, path) for path in unit.columns.paths}
                    yield assemble(unit.path, unit.columns, rows, arrays, reject)
                    done += batch.num_rows
                _check_rows(opened, group, done - row)
            except FAILURES as error:
                where = "" if done == row else f"from row {done} on: "
                reject(Rejected(unit.path, f"row group {group}", where + one_line(error)))
            row += opened.metadata.row_group(group).num_rows


def _decoded(opened: Any, group: int, names: list[str], columns: Columns) -> Iterator[pa.RecordBatch]:
    rows = opened.metadata.row_group(group).num_rows
    size = _text_bytes(opened, group, names[0])
    step = min(max(DECODE_BYTES * rows // max(size, 1), 1), DECODE_ROWS)
    for batch in opened.iter_batches(step, row_groups=[group], columns=names, use_threads=False):
        yield from bounded(batch, columns)


def _check_rows(opened: Any, group: int, found: int) -> None:
    planned = opened.metadata.row_group(group).num_rows
    if found != planned:
        raise OSError(f"{found} rows were found where the footer promises {planned}")


def _text_bytes(opened: Any, group: int, name: str) -> int:
    metadata = opened.metadata.row_group(group)
    chunks = [metadata.column(i) for i in range(metadata.num_columns)]
    return sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema == name)
