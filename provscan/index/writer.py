"""Writing a segment: references are streamed to disk, then the posting tables are made from the token stream."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from provscan.index.manifest import SegmentEntry, file_entry, sync_folder
from provscan.index.parameters import Parameters
from provscan.index.positions import pack_starts
from provscan.index.segment import LONG_STARTS, OFFSETS, PHRASES, REFS, STARTS, TEXT, TOKENS
from provscan.index.tables import band_table, common_phrases, first_copies, print_table, seed_table
from provscan.schema import REFERENCE_COLUMNS, REFERENCES
from provscan.sketch.sketcher import Sketcher, text_buffers

SEGMENT_TOKENS = 1 << 28
"""Tokens that a segment has at most (about 1.6 GB of English); bounds what building holds in memory."""
TAIL = 64
"""Zeros after the last reference, so that extension may read ahead."""
TEXT_GROUP = 1024


@dataclass(frozen=True)
class Prepared:
    """A batch of references made ready by any thread, to be written in order."""

    tokens: np.ndarray
    lengths: np.ndarray
    packed: np.ndarray
    exceptions: np.ndarray
    fingerprints: np.ndarray
    refs: pa.RecordBatch
    texts: pa.Array
    text_bytes: int


def prepare(batch: pa.RecordBatch, sketcher: Sketcher, fallback: dict[str, str], name: str) -> Prepared:
    """Tokens, starts, fingerprints and metadata of a batch of references.

    Parameters
    ----------
    batch : RecordBatch
        As `provscan.read` gives it, with `schema.REFERENCE_COLUMNS`.
    sketcher : Sketcher
        Of this thread.
    fallback : dict
        Constants for metadata that a reference lacks.
    name : str
        Where the batch comes from: a reference without an id is called ``name:row``.
    """
    texts = batch.column("text")
    buf, offsets = text_buffers(texts)
    tokens, lengths, starts, prints = [], [], [], []
    for chunk in sketcher.chunks(texts):
        tokens.append(chunk.ids.copy())
        starts.append(chunk.starts.copy())
        lengths.append(np.diff(chunk.token_offsets))
        prints.append(chunk.fingerprints.copy())
    length = np.concatenate(lengths)
    token_offsets = np.concatenate([[0], np.cumsum(length)])
    total = int(length.sum()) + len(length)
    stream = np.zeros(total, np.uint16)  # in the stream each reference is followed by a 0
    keep = np.ones(total, bool)
    keep[token_offsets[1:] + np.arange(len(length))] = False
    stream[keep] = np.concatenate(tokens)
    packed = np.zeros((total + 1) // 2, np.uint8)
    exceptions = np.empty((total, 2), np.int64)
    count = pack_starts(buf, offsets, np.concatenate(starts), token_offsets, packed, exceptions)
    view = memoryview(buf.data)
    digests = [
        hashlib.blake2b(view[a:b], digest_size=16).digest()
        for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    ]
    ids = batch.column("id")
    if ids.null_count:
        given = zip(ids.to_pylist(), batch.column("row").to_pylist(), strict=True)
        ids = pa.array([i if i is not None else f"{name}:{row}" for i, row in given], pa.string())
    columns = [ids]
    for field in REFERENCE_COLUMNS:
        column = batch.column(field)
        columns.append(column.fill_null(fallback[field]) if fallback.get(field) else column)
    columns += [pa.array(length, pa.int32()), pa.array(digests, pa.binary(16))]
    refs = pa.RecordBatch.from_arrays(columns, schema=REFERENCES)
    return Prepared(
        stream,
        length,
        packed,
        exceptions[:count].copy(),
        np.concatenate(prints),
        refs,
        texts,
        int(offsets[-1] - offsets[0]),
    )


class SegmentWriter:
    """Writes one segment: `append` batches in order, then `finish`."""

    def __init__(self, segments: Path, store_text: bool) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.folder = segments / self.id
        self.folder.mkdir(parents=True)
        self.tokens_file: BinaryIO = (self.folder / "tokens.raw").open("wb")
        self.tokens_file.write(b"\0\0")
        self.n_tokens = 1
        self.text_bytes = 0
        self.offsets: list[np.ndarray] = []
        self.prints: list[np.ndarray] = []
        self.exceptions: list[np.ndarray] = []
        self.starts_file: BinaryIO = (self.folder / "starts.raw").open("wb")
        self.half: int = 0  # the low half of a byte of starts that is not written yet; token 0 is a 0
        self.refs_writer = pq.ParquetWriter(self.folder / REFS, REFERENCES, compression="zstd")
        self.pending: list[pa.RecordBatch] = []
        self.text_writer = (
            pq.ParquetWriter(self.folder / TEXT, pa.schema([("text", pa.large_string())]), compression="zstd")
            if store_text
            else None
        )

    @property
    def references(self) -> int:
        return sum(len(o) for o in self.offsets)

    def append(self, p: Prepared) -> None:
        base = self.n_tokens
        self.offsets.append((base + np.concatenate([[0], np.cumsum(p.lengths + 1)[:-1]])).astype(np.uint32))
        self.tokens_file.write(p.tokens.data)
        self._append_starts(p.packed, len(p.tokens))
        if len(p.exceptions):
            self.exceptions.append((p.exceptions + [base, 0]).astype(np.uint32))
        self.prints.append(p.fingerprints)
        self.n_tokens += len(p.tokens)
        self.text_bytes += p.text_bytes
        self.pending.append(p.refs)
        if sum(len(b) for b in self.pending) >= 1 << 17:
            self._write_refs()
        if self.text_writer:
            texts = pa.table({"text": p.texts.cast(pa.large_string())})
            self.text_writer.write_table(texts, row_group_size=TEXT_GROUP)

    def _write_refs(self) -> None:
        if self.pending:
            self.refs_writer.write_table(pa.Table.from_batches(self.pending))
            self.pending = []

    def _append_starts(self, packed: np.ndarray, count: int) -> None:
        """Add ``count`` half bytes to the file, whatever half of a byte it stopped at."""
        halves = np.empty(2 * len(packed), np.uint8)
        halves[0::2] = packed & 15
        halves[1::2] = packed >> 4
        halves = halves[:count]
        if self.n_tokens & 1:
            halves = np.concatenate([[np.uint8(self.half)], halves])
        whole = len(halves) // 2 * 2
        self.starts_file.write((halves[0:whole:2] | halves[1:whole:2] << 4).tobytes())
        self.half = int(halves[-1]) if len(halves) > whole else 0

    def finish_streams(self) -> None:
        """End the streams, once all references are appended."""
        self.tokens_file.write(bytes(2 * TAIL))
        self.tokens_file.close()
        if self.n_tokens & 1:
            self.starts_file.write(bytes([self.half]))
        self.starts_file.close()
        self._write_refs()
        self.refs_writer.close()
        if self.text_writer:
            self.text_writer.close()
        offsets = np.concatenate([*self.offsets, [self.n_tokens]]).astype(np.uint32)
        np.save(self.folder / OFFSETS, offsets, allow_pickle=False)
        exceptions = np.concatenate([np.empty((0, 2), np.uint32), *self.exceptions])
        np.save(self.folder / LONG_STARTS, exceptions, allow_pickle=False)
        raw_to_npy(self.folder / "tokens.raw", self.folder / TOKENS, np.dtype(np.uint16))
        raw_to_npy(self.folder / "starts.raw", self.folder / STARTS, np.dtype(np.uint8))

    def finish(self, parameters: Parameters, workers: int) -> SegmentEntry:
        """Make the tables and return the manifest's entry; every file is on disk then."""
        tokens = np.load(self.folder / TOKENS, mmap_mode="r")
        offsets = np.load(self.folder / OFFSETS, mmap_mode="r")
        tokens, offsets = np.asarray(tokens), np.asarray(offsets)
        fingerprints = np.concatenate([np.empty(0, np.uint64), *self.prints])
        kept = first_copies(fingerprints)
        tables = {
            "seeds": seed_table(tokens, offsets, kept, parameters, workers),
            "bands": band_table(tokens, offsets, parameters),
            "prints": print_table(fingerprints, kept),
        }
        np.save(self.folder / PHRASES, common_phrases(tokens, offsets, fingerprints), allow_pickle=False)
        for name, table in tables.items():
            np.save(self.folder / f"{name}-buckets.npy", table.buckets, allow_pickle=False)
            np.save(self.folder / f"{name}-postings.npy", table.postings, allow_pickle=False)
        files = {p.name: file_entry(p) for p in sorted(self.folder.iterdir())}
        sync_folder(self.folder)
        return SegmentEntry(
            id=self.id,
            references=len(offsets) - 1,
            tokens=int(offsets[-1]) - len(offsets),
            text_bytes=self.text_bytes,
            position_bits={name: table.position_bits for name, table in tables.items()},
            files=files,
        )


def raw_to_npy(raw: Path, path: Path, dtype: np.dtype) -> None:
    """Copy a raw array into an .npy file and remove it; a few MB at a time."""
    count = raw.stat().st_size // dtype.itemsize
    with raw.open("rb") as source, path.open("wb") as target:
        np.lib.format.write_array_header_1_0(
            target, {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (count,)}
        )
        while block := source.read(1 << 22):
            target.write(block)
    raw.unlink()
