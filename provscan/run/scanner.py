"""The unit of work of every engine: a batch of documents in, rows of the output tables out."""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from provscan.decide.verdict import LANGUAGES, languages
from provscan.errors import ColumnError
from provscan.index.store import Index
from provscan.match.matcher import ChunkHits, Matcher, Thresholds
from provscan.schema import DOCUMENTS, HITS, KINDS, SPAN
from provscan.sketch.sketcher import Sketcher, text_buffers

NO_TOKENS = "no words or characters to compare"
LANGUAGE_NAMES = pa.array(LANGUAGES, pa.string())
KIND_NAMES = pa.array(KINDS, pa.string())
VERDICT_NAMES = pa.array(["clean", "match", "abstain"], pa.string())
CLEAN, MATCH, ABSTAIN = range(3)
REF_NAMES = ("ref_id", "model", "provider", "source")
NO_REFS = {name: pa.nulls(0, pa.string()) for name in REF_NAMES}


class Scanned(NamedTuple):
    """What a batch gives: rows of `schema.DOCUMENTS` and of `schema.HITS`."""

    documents: pa.RecordBatch
    hits: pa.RecordBatch


class Scanner:
    """Scans batches against an index; may be shared by threads, each of which gets its own buffers.

    Parameters
    ----------
    index : Index
    thresholds : Thresholds
    """

    def __init__(self, index: Index, thresholds: Thresholds | None = None) -> None:
        self.index = index
        self.thresholds = thresholds or Thresholds()
        self._local = threading.local()
        self._lock = threading.Lock()
        self._refs: pa.RecordBatch | None = None
        _ = index.background  # read here, once, before threads ask for it, and so are the filters
        for segment in index.segments:
            _ = segment.filter

    def _tools(self) -> tuple[Sketcher, Matcher]:
        if not hasattr(self._local, "tools"):
            parameters = self.index.parameters
            sketcher = Sketcher(parameters.least, parameters.limits)
            self._local.tools = sketcher, Matcher(self.index, self.thresholds)
        tools: tuple[Sketcher, Matcher] = self._local.tools
        return tools

    def refs(self) -> pa.RecordBatch:
        """What hits say about references, read at the first hit."""
        with self._lock:
            if self._refs is None:
                self._refs = self.index.refs(list(REF_NAMES)).to_batches()[0]
            return self._refs

    def scan_batch(self, batch: pa.RecordBatch, path: str = "") -> Scanned:
        """Scan a batch.

        Parameters
        ----------
        batch : RecordBatch
            ``text`` (string or large_string, no nulls), and where there are any ``row`` (int64), ``id`` (string) and
            ``path`` (string); rows are numbered from 0 otherwise.
        path : str
            Path of all rows where the batch has no column of that name.

        Returns
        -------
        Scanned

        Raises
        ------
        ColumnError
            If the batch has no column ``text``.
        TypeError
            If that is neither string nor large_string.
        """
        names = batch.schema.names
        if "text" not in names:
            raise ColumnError(f"The batch has no column 'text'; it has: {', '.join(names) or 'none'}. Rename it.")
        n = len(batch)
        texts = batch.column("text")
        paths = batch.column("path") if "path" in names else pa.repeat(pa.scalar(path, pa.string()), n)
        rows = batch.column("row") if "row" in names else pa.array(np.arange(n))
        ids = batch.column("id") if "id" in names else pa.nulls(n, pa.string())
        tokens = np.empty(n, np.int32)
        langs = np.empty(n, np.int64)
        covered = np.zeros(n, np.int64)
        parts: list[tuple[int, ChunkHits]] = []
        sketcher, matcher = self._tools()
        buf, _ = text_buffers(texts)
        for chunk in sketcher.chunks(texts):
            span = slice(chunk.first, chunk.last)
            tokens[span] = np.diff(chunk.token_offsets)
            langs[span] = languages(chunk.scripts, chunk.bits)
            hits = matcher.match(chunk, buf)
            if hits is not None:
                covered[span] = hits.covered
                parts.append((chunk.first, hits))
        ints, floats, spans, offsets = _joined(parts)
        docs, refs, kinds, masked = ints.T
        first_hit = np.r_[True, docs[1:] != docs[:-1]] if len(docs) else np.zeros(0, bool)
        verdict = np.where(tokens == 0, ABSTAIN, CLEAN)
        verdict[docs] = MATCH
        top = np.full(n, -1, np.int64)
        top[docs[first_hit]] = np.flatnonzero(first_hit)
        found = pa.array(top, mask=top < 0)
        info = self.refs().take(pa.array(refs)) if len(refs) else NO_REFS
        lang = pa.array(langs, mask=langs < 0)
        documents = pa.RecordBatch.from_arrays(
            [
                paths,
                rows,
                ids,
                LANGUAGE_NAMES.take(lang),
                pa.array(tokens),
                VERDICT_NAMES.take(pa.array(verdict)),
                pa.array((covered / np.maximum(tokens, 1)).astype(np.float32), mask=tokens == 0),
                pa.array(floats[:, 0]).take(found),
                info["ref_id"].take(found),
                info["model"].take(found),
                pa.nulls(n, pa.float32()),
                pa.nulls(n, pa.float32()),
                pa.array([NO_TOKENS], pa.string()).take(pa.array(np.zeros(n, np.int64), mask=tokens > 0)),
            ],
            schema=DOCUMENTS,
        )
        at = pa.array(docs)
        spans_list = pa.ListArray.from_arrays(
            pa.array(offsets.astype(np.int32)),
            pa.StructArray.from_arrays([pa.array(spans[:, k]) for k in range(4)], fields=list(SPAN)),
        )
        hit_rows = pa.RecordBatch.from_arrays(
            [
                paths.take(at),
                rows.take(at),
                ids.take(at),
                info["ref_id"],
                info["model"],
                info["provider"],
                info["source"],
                KIND_NAMES.take(pa.array(kinds)),
                pa.array(floats[:, 3]),
                pa.array(floats[:, 1]),
                pa.array(floats[:, 2]),
                pa.array(floats[:, 0]),
                pa.array(masked.astype(np.int32)),
                spans_list,
            ],
            schema=HITS,
        )
        return Scanned(documents, hit_rows)


def _joined(parts: list[tuple[int, ChunkHits]]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Integers (with documents of the batch), floats, spans and span offsets of the hits of all chunks."""
    if not parts:
        ints, floats = np.zeros((0, 4), np.int64), np.zeros((0, 4), np.float32)
        return ints, floats, np.zeros((0, 4), np.int32), np.zeros(1, np.int64)
    ints = np.concatenate([h.ints + [first, 0, 0, 0] for first, h in parts])
    floats = np.concatenate([h.floats for _, h in parts])
    spans = np.concatenate([h.spans for _, h in parts])
    counts = np.concatenate([np.diff(h.span_offsets) for _, h in parts])
    return ints, floats, spans, np.concatenate([[0], np.cumsum(counts)])
