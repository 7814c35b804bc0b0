"""Plain text: one file is one document, its file name the id."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import PurePath

import numpy as np
import pyarrow as pa

from provscan.read.arrays import Reject, assemble
from provscan.read.columns import Field
from provscan.read.decompress import Damaged, chunks
from provscan.read.options import MAX_RECORD_BYTES, ReadOptions, Rejected
from provscan.read.source import is_url
from provscan.read.unit import File, Inspection, Part, Unit

BOM = b"\xef\xbb\xbf"


def inspect(file: File, options: ReadOptions) -> Inspection:
    """One row, whose text may be asked for by any name."""
    fields = [Field(("id",), "string"), Field((options.text or "text",), "string")]
    return Inspection(fields, True, lambda: [Part(0, None, 0, 1, file.size or 0)])


def batches(unit: Unit, options: ReadOptions, reject: Reject) -> Iterator[pa.RecordBatch]:
    """The document. Of a damaged compressed file it is what comes before the damage."""
    parts: list[bytes] = []
    size = 0
    damage = None
    try:
        for chunk in chunks(unit.path, unit.compression):
            parts.append(chunk)
            size += len(chunk)
            if size > MAX_RECORD_BYTES:
                reject(Rejected(unit.path, "file", f"the text is longer than {MAX_RECORD_BYTES} bytes"))
                return
    except Damaged as error:
        damage = Rejected(unit.path, f"byte {error.offset}", error.reason)
    data = b"".join(parts).removeprefix(BOM)
    if damage is not None:
        data = _whole_characters(data)
    if data or damage is None:
        arrays = {unit.columns.text: pa.array([data], pa.binary())}
        if unit.columns.id is not None:
            arrays[unit.columns.id] = pa.array([_name(unit.path)])
        yield assemble(unit.path, unit.columns, np.zeros(1, np.int64), arrays, reject, position=lambda row: "file")
    if damage is not None:
        reject(damage)


def _whole_characters(data: bytes) -> bytes:
    """Without the first bytes of a character that the damage cut off."""
    tail = next((i for i in range(1, min(4, len(data) + 1)) if data[-i] >= 0xC0), 0)
    if tail and data[-tail:].decode("utf-8", "ignore") == "":
        return data[:-tail]
    return data


def _name(path: str) -> str:
    return posixpath.basename(path) if is_url(path) else PurePath(path).name
