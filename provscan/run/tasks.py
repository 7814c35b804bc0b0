"""Pieces of a scan that finish on their own: neighbouring units whose results appear under one atomic name."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provscan.read import ReadOptions, Rejected, Unit
from provscan.run.scanner import Scanned
from provscan.schema import DOCUMENTS, HITS

TASK_BYTES = 64 << 20
"""Units are put together until they have about this many bytes, so that small files do not make small results."""
STRONGEST = 5
"""Hits shown in a summary."""
STRONGEST_REFS = 25
"""References whose best hit is kept on the way there: the best of a whole are among the best of its parts."""
TASKS = "tasks"


@dataclass(frozen=True)
class Task:
    """Neighbouring units, named after the first."""

    name: str
    units: tuple[Unit, ...]

    @property
    def bytes(self) -> int:
        return sum(u.bytes for u in self.units)


def make_tasks(units: Sequence[Unit]) -> list[Task]:
    """Units into tasks: the same for the same input, whatever the number of workers."""
    tasks: list[list[Unit]] = []
    size = 0
    for unit in units:
        if not tasks or size + unit.bytes > TASK_BYTES:
            tasks.append([])
            size = 0
        tasks[-1].append(unit)
        size += unit.bytes
    return [Task(group[0].name, tuple(group)) for group in tasks]


@dataclass
class Counts:
    """What was read and found in one file."""

    documents: int = 0
    bytes: int = 0
    tokens: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)


@dataclass
class Strong:
    """A strong hit with the shared text, for the summary."""

    bits: float
    path: str
    row: int
    id: str | None
    ref_id: str
    ref_model: str | None
    text: str


@dataclass
class TaskResult:
    """Everything that a finished task leaves besides its rows."""

    shards: dict[str, Counts] = field(default_factory=dict)
    models: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    strongest: list[Strong] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    hits: int = 0

    def count(self, path: str, batch: pa.RecordBatch, scanned: Scanned) -> None:
        """Add a batch and its rows."""
        shard = self.shards.setdefault(path, Counts())
        documents, hits = scanned
        shard.documents += len(documents)
        shard.bytes += pc.sum(pc.binary_length(batch.column("text"))).as_py() or 0
        shard.tokens += pc.sum(documents.column("tokens")).as_py() or 0
        shard.verdicts.update(value_counts(documents.column("verdict")))
        self.languages.update(value_counts(documents.column("lang")))
        self.hits += len(hits)
        if len(hits):
            matched = documents.filter(pc.equal(documents.column("verdict"), "match"))
            self.models.update(value_counts(matched.column("top_model")))
            self.keep_strongest(batch, hits)

    def keep_strongest(self, batch: pa.RecordBatch, hits: pa.RecordBatch) -> None:
        """Keep the best hit of each of the references with the best, ties by path and row."""
        order = pc.sort_indices(hits.column("bits"), sort_keys=[("", "descending")])
        bits, refs = hits.column("bits").take(order).to_pylist(), hits.column("ref_id").take(order).to_pylist()
        least = self.strongest[-1].bits if len(self.strongest) == STRONGEST_REFS else -1.0
        first: dict[str, int] = {}
        for k, (score, ref) in enumerate(zip(bits, refs, strict=True)):
            if score < least:
                break
            if first.setdefault(ref, k) == k and len(first) == STRONGEST_REFS:
                least = score  # those of as many bits are told apart by path and row
        rows = None
        for hit in hits.take(order.take(pa.array(first.values(), pa.int64()))).to_pylist():
            if rows is None:
                rows = {row: k for k, row in enumerate(batch.column("row").to_pylist())}
            text = batch.column("text")[rows[hit["row"]]].as_py()
            begin, end = hit["spans"][0]["doc_start"], hit["spans"][-1]["doc_end"]
            self.strongest.append(
                Strong(
                    hit["bits"],
                    hit["path"],
                    hit["row"],
                    hit["id"],
                    hit["ref_id"],
                    hit["ref_model"],
                    text[begin : min(end, begin + 300)],
                )
            )
        self.strongest = best_of_references(self.strongest)

    def merge(self, other: TaskResult) -> None:
        """Add another task's; files may span tasks."""
        for path, counts in other.shards.items():
            shard = self.shards.setdefault(path, Counts())
            shard.documents += counts.documents
            shard.bytes += counts.bytes
            shard.tokens += counts.tokens
            shard.verdicts.update(counts.verdicts)
        self.models.update(other.models)
        self.languages.update(other.languages)
        self.hits += other.hits
        self.rejected += other.rejected
        self.strongest = best_of_references(self.strongest + other.strongest)

    def as_json(self) -> str:
        return json.dumps(vars(self), ensure_ascii=False, default=vars)

    @classmethod
    def from_json(cls, text: str) -> TaskResult:
        data: dict[str, Any] = json.loads(text)
        return cls(
            {path: Counts(**{**c, "verdicts": Counter(c["verdicts"])}) for path, c in data["shards"].items()},
            Counter(data["models"]),
            Counter(data["languages"]),
            [Strong(**s) for s in data["strongest"]],
            [Rejected(**r) for r in data["rejected"]],
            data["hits"],
        )


def value_counts(column: pa.Array) -> dict[str, int]:
    """How often each value stands in a string column; nulls under ``(none)``."""
    counted = column.value_counts()
    return {"(none)" if v["values"] is None else v["values"]: v["counts"] for v in counted.to_pylist()}


def best_of_references(hits: list[Strong]) -> list[Strong]:
    """The best hit of each of the references with the best."""
    kept: dict[str, Strong] = {}
    for hit in sorted(hits, key=lambda h: (-h.bits, h.path, h.row, h.ref_id)):
        kept.setdefault(hit.ref_id, hit)
    return list(kept.values())[:STRONGEST_REFS]


def strongest_of(hits: list[Strong]) -> list[Strong]:
    """The five hits of most bits, each reference and each document once."""
    kept: dict[tuple[str, int], Strong] = {}
    for hit in best_of_references(hits):
        kept.setdefault((hit.path, hit.row), hit)
    return list(kept.values())[:STRONGEST]


def read_task(task: Task, options: ReadOptions, result: TaskResult) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Batches of a task's units with their path; what cannot be read goes to ``result``."""
    for unit in task.units:
        for batch in unit.batches(options, result.rejected.append):
            yield unit.path, batch


def write_task(out: Path, task: Task, scanned: list[Scanned], result: TaskResult) -> None:
    """Write a task's rows and then its record, whose presence says that the task is done; each appears whole."""
    for kind, schema, batches in (
        ("documents", DOCUMENTS, [s.documents for s in scanned]),
        ("hits", HITS, [s.hits for s in scanned]),
    ):
        path = out / f"{kind}-{task.name}.parquet"
        temporary = path.with_suffix(".partial")
        with temporary.open("wb") as f:
            pq.write_table(pa.Table.from_batches(batches, schema=schema), f, compression="zstd")
            f.flush()
            os.fsync(f.fileno())
        temporary.replace(path)
    record = out / TASKS / f"{task.name}.json"
    temporary = record.with_suffix(".partial")
    with temporary.open("w", encoding="utf-8") as f:
        f.write(result.as_json())
        f.flush()
        os.fsync(f.fileno())
    temporary.replace(record)


def done_task(out: Path, task: Task) -> TaskResult | None:
    """The record of a task that is done, or None."""
    if not all((out / f"{kind}-{task.name}.parquet").exists() for kind in ("documents", "hits")):
        return None
    try:
        return TaskResult.from_json((out / TASKS / f"{task.name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
