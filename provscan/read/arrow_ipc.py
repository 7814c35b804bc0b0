"""Arrow IPC, the file and the stream, compressed or not."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa

from provscan.read.arrays import Reject, assemble, bounded, fields_of, pick
from provscan.read.columns import Columns
from provscan.read.decompress import ChunkFile, chunks
from provscan.read.options import ReadOptions, Rejected
from provscan.read.source import is_url, one_line, open_bytes
from provscan.read.unit import FAILURES, File, Inspection, Part, Unit
from provscan.read.utf8 import as_binary

FILE_MAGIC = b"ARROW1\0\0"


def inspect(file: File, options: ReadOptions) -> Inspection:
    """The schema; one unit, since where a batch lies and how many rows it has only its header says."""
    with _reader(file.path, file.format, file.compression, None) as reader:
        fields = fields_of(reader.schema)
    return Inspection(fields, True, lambda: [Part(0, None, 0, None, file.size or 0)])


def batches(unit: Unit, options: ReadOptions, reject: Reject) -> Iterator[pa.RecordBatch]:
    """The record batches of the file. A damaged one costs the rest, since its number of rows is unknown."""
    row = number = 0
    try:
        with _reader(unit.path, unit.format, unit.compression, unit.columns) as reader:
            for stored in _all(reader):
                for path in unit.columns.paths:
                    _check_offsets(pick(stored, path))
                for batch in bounded(stored, unit.columns):
                    arrays = {path: pick(batch, path) for path in unit.columns.paths}
                    rows = np.arange(row, row + batch.num_rows, dtype=np.int64)
                    yield assemble(unit.path, unit.columns, rows, arrays, reject)
                    row += batch.num_rows
                number += 1
    except FAILURES as error:
        reject(Rejected(unit.path, f"record batch {number}", f"from row {row} on: {one_line(error)}"))


def _all(reader: Any) -> Iterator[pa.RecordBatch]:
    if hasattr(reader, "num_record_batches"):
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)
        return
    yield from reader


@contextmanager
def _reader(path: str, format: str, compression: str | None, columns: Columns | None) -> Iterator[Any]:
    streamed = format == "arrows" or compression is not None
    with _source(path, compression, streamed) as source:
        if streamed and format == "arrow":
            source.read(len(FILE_MAGIC))  # what follows in a file is the stream format
        options = None
        if columns is not None and not streamed:
            options = pa.ipc.IpcReadOptions(included_fields=_wanted(pa.ipc.open_file(source).schema, columns))
        yield pa.ipc.open_stream(source) if streamed else pa.ipc.open_file(source, options=options)


@contextmanager
def _source(path: str, compression: str | None, streamed: bool) -> Iterator[Any]:
    if compression is not None:
        yield pa.PythonFile(io.BufferedReader(ChunkFile(chunks(path, compression))), "r")
    elif is_url(path):
        with open_bytes(path, seekable=not streamed) as remote:
            yield pa.PythonFile(remote, "r")
    else:
        with pa.OSFile(path, "rb") as file:
            yield file


def _wanted(schema: pa.Schema, columns: Columns) -> list[int]:
    return sorted({schema.get_all_field_indices(path[0])[0] for path in columns.paths})


def _check_offsets(array: pa.Array) -> None:
    """Raise `ArrowInvalid` if offsets or indices point outside: the file was written by anyone."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        _check_offsets(array.dictionary)
        if pa.types.is_string(array.type.value_type) or pa.types.is_large_string(array.type.value_type):
            values = as_binary(array.dictionary)
            pa.DictionaryArray.from_arrays(array.indices, values, safe=True)
            return
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        array = as_binary(array)
    array.validate()
    if not pa.types.is_string_view(array.type):  # its full check fails on invalid UTF-8, which costs a row only
        array.validate(full=True)
