"""Reading whole inputs in one call, and the compressions to read them through."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import zstandard

from provscan.read import ReadOptions, Rejected, plan

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".zst": lambda data: zstandard.compress(data),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def read_all(inputs: Any, **options: Any) -> tuple[list[dict[str, Any]], list[Rejected]]:
    """Every record with the path of its file, and every rejection; checks what holds for every batch."""
    inputs = [inputs] if isinstance(inputs, (str, Path)) else inputs
    chosen = ReadOptions(**options)
    planned = plan([str(path) for path in inputs], chosen)
    records: list[dict[str, Any]] = []
    rejected = list(planned.rejected)
    assert [unit.name for unit in planned.units] == sorted({unit.name for unit in planned.units})
    for unit in planned.units:
        last = -1
        for batch in unit.batches(chosen, rejected.append):
            assert batch.schema.names == ["row", "id", "text", *chosen.metadata]
            assert batch.schema.field("row").type == pa.int64()
            assert batch.schema.field("id").type == pa.string()
            assert all(batch.schema.field(name).type == pa.string() for name in chosen.metadata)
            assert batch.schema.field("text").type in (pa.string(), pa.large_string())
            assert 0 < batch.num_rows <= chosen.batch_rows
            assert batch.column("text").null_count == 0
            batch.validate(full=True)
            rows = batch.column("row").to_pylist()
            assert rows == sorted(set(rows)) and rows[0] > last
            last = rows[-1]
            records += [{"path": unit.path, **record} for record in batch.to_pylist()]
    return records, rejected


def texts(inputs: Any, **options: Any) -> list[str]:
    """The texts of inputs that have nothing to reject."""
    records, rejected = read_all(inputs, **options)
    assert rejected == []
    return [record["text"] for record in records]


def jsonl(records: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)
