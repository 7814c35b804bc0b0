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
        keys = keys_of(batch, path)
        measured, found = self._measure(batch.column("text"))
        info = self.refs().take(pa.array(found.ints[:, 1])) if len(found.ints) else NO_REFS
        return Scanned(document_rows(keys, measured, found, info), hit_rows(keys, found, info))

    def _measure(self, texts: pa.Array) -> tuple[Measured, Found]:
        """Sketch and match texts, a chunk at a time."""
        n = len(texts)
        measured = Measured(np.empty(n, np.int32), np.empty(n, np.int64), np.zeros(n, np.int64))
        parts: list[tuple[int, ChunkHits]] = []
        sketcher, matcher = self._tools()
        buf, _ = text_buffers(texts)
        for chunk in sketcher.chunks(texts):
            span = slice(chunk.first, chunk.last)
            measured.tokens[span] = np.diff(chunk.token_offsets)
            measured.languages[span] = languages(chunk.scripts, chunk.bits)
            hits = matcher.match(chunk, buf)
            if hits is not None:
                measured.covered[span] = hits.covered
                parts.append((chunk.first, hits))
        return measured, joined(parts)


class Keys(NamedTuple):
    """What names the documents of a batch."""

    paths: pa.Array
    rows: pa.Array
    ids: pa.Array


class Measured(NamedTuple):
    """Tokens (int32), index in `verdict.LANGUAGES` or -1, and tokens that some hit shares, of each document."""

    tokens: np.ndarray
    languages: np.ndarray
    covered: np.ndarray


class Found(NamedTuple):
    """Hits of a batch as `matcher.ChunkHits` has them, the documents being those of the batch."""

    ints: np.ndarray
    floats: np.ndarray
    spans: np.ndarray
    offsets: np.ndarray


def keys_of(batch: pa.RecordBatch, path: str) -> Keys:
    """Paths, rows and ids of a batch, made up where it has none.

    Raises
    ------
    ColumnError
        If the batch has no column ``text``.
    """
    names = batch.schema.names
    if "text" not in names:
        raise ColumnError(f"The batch has no column 'text'; it has: {', '.join(names) or 'none'}. Rename it.")
    n = len(batch)
    return Keys(
        batch.column("path") if "path" in names else pa.repeat(pa.scalar(path, pa.string()), n),
        batch.column("row") if "row" in names else pa.array(np.arange(n)),
        batch.column("id") if "id" in names else pa.nulls(n, pa.string()),
    )


def joined(parts: list[tuple[int, ChunkHits]]) -> Found:
    """The hits of all chunks, each given with the number of its first document."""
    if not parts:
        ints, floats = np.zeros((0, 4), np.int64), np.zeros((0, 4), np.float32)
        return Found(ints, floats, np.zeros((0, 4), np.int32), np.zeros(1, np.int64))
    counts = np.concatenate([np.diff(h.span_offsets) for _, h in parts])
    return Found(
        np.concatenate([h.ints + [first, 0, 0, 0] for first, h in parts]),
        np.concatenate([h.floats for _, h in parts]),
        np.concatenate([h.spans for _, h in parts]),
        np.concatenate([[0], np.cumsum(counts)]),
    )


def document_rows(
    keys: Keys, measured: Measured, found: Found, info: pa.RecordBatch | dict[str, pa.Array]
) -> pa.RecordBatch:
    """Rows of `schema.DOCUMENTS`; ``info`` has what is known of the reference of each hit."""
    tokens, lang, covered = measured
    n = len(tokens)
    docs = found.ints[:, 0]
    first_hit = np.r_[True, docs[1:] != docs[:-1]] if len(docs) else np.zeros(0, bool)
    verdict = np.where(tokens == 0, ABSTAIN, CLEAN)
    verdict[docs] = MATCH
    top = np.full(n, -1, np.int64)
    top[docs[first_hit]] = np.flatnonzero(first_hit)
    best = pa.array(top, mask=top < 0)
    return pa.RecordBatch.from_arrays(
        [
            *keys,
            LANGUAGE_NAMES.take(pa.array(lang, mask=lang < 0)),
            pa.array(tokens),
            VERDICT_NAMES.take(pa.array(verdict)),
            pa.array((covered / np.maximum(tokens, 1)).astype(np.float32), mask=tokens == 0),
            pa.array(found.floats[:, 0]).take(best),
            info["ref_id"].take(best),
            info["model"].take(best),
            pa.nulls(n, pa.float32()),
            pa.nulls(n, pa.float32()),
            pa.array([NO_TOKENS], pa.string()).take(pa.array(np.zeros(n, np.int64), mask=tokens > 0)),
        ],
        schema=DOCUMENTS,
    )


def hit_rows(keys: Keys, found: Found, info: pa.RecordBatch | dict[str, pa.Array]) -> pa.RecordBatch:
    """Rows of `schema.HITS`."""
    docs, _, kinds, masked = found.ints.T
    at = pa.array(docs)
    spans = pa.ListArray.from_arrays(
        pa.array(found.offsets.astype(np.int32)),
        pa.StructArray.from_arrays([pa.array(found.spans[:, k]) for k in range(4)], fields=list(SPAN)),
    )
    bits, doc_coverage, ref_coverage, jaccard = found.floats.T
    return pa.RecordBatch.from_arrays(
        [
            *(column.take(at) for column in keys),
            *(info[name] for name in REF_NAMES),
            KIND_NAMES.take(pa.array(kinds)),
            pa.array(jaccard),
            pa.array(doc_coverage),
            pa.array(ref_coverage),
            pa.array(bits),
            pa.array(masked.astype(np.int32)),
            spans,
        ],
        schema=HITS,
    )
