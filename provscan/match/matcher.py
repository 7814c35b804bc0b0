"""A thread's matching: a chunk of sketched documents against every segment of an index."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from provscan.index.segment import Segment
from provscan.index.store import Index
from provscan.match import align, evidence, hits
from provscan.match.evidence import collect_hits
from provscan.match.hits import align_hits
from provscan.match.lookup import find_hits
from provscan.match.whole import find_banded_hits, find_equal
from provscan.sketch.minhash import load_permutations
from provscan.sketch.seeds import LONGEST
from provscan.sketch.sketcher import Chunk
from provscan.text.information import UNIT, load_information

THRESHOLD_TOKENS = 1.5e6


@dataclass(frozen=True)
class Thresholds:
    """Bits that make evidence.

    Attributes
    ----------
    match : float
        An alignment needs this many in a document of 300 tokens and an index of at most 1.5 million; each doubling of
        either asks for one more, and a shorter document for less, since chance matches grow with the product of both
        (Karlin and Altschul 1990, PNAS 87:2264). Measured on human text: docs/architecture.md.
    exact : float
        A document whose tokens are all of a reference's needs this many: there is no choice of place to pay for.
    """

    match: float = 80.0
    exact: float = 45.0

    def least(self, tokens: int) -> tuple[int, int]:
        """Both thresholds in 1/16 bit for an index of so many tokens, for a document of `evidence.TYPICAL` tokens."""
        more = max(0.0, math.log2(max(tokens, 1) / THRESHOLD_TOKENS))
        return round((self.match + more) * UNIT), round((self.exact + more) * UNIT)


class ChunkHits(NamedTuple):
    """Hits of a chunk, by document, then falling bits, then reference.

    Attributes
    ----------
    ints : ndarray of int64, shape (hits, 4)
        Document of the chunk, number of the reference in the index, kind, masked tokens.
    floats : ndarray of float32, shape (hits, 4)
        Bits, coverage of the document, coverage of the reference, Jaccard estimate.
    spans : ndarray of int32, shape (spans, 4)
    span_offsets : ndarray of int64, shape (hits + 1,)
    covered : ndarray of int64, shape (documents,)
        Tokens of each document that some hit shares.
    """

    ints: np.ndarray
    floats: np.ndarray
    spans: np.ndarray
    span_offsets: np.ndarray
    covered: np.ndarray


class Matcher:
    """Finds hits of chunks in an index; holds the buffers of one thread."""

    def __init__(self, index: Index, thresholds: Thresholds) -> None:
        self.index = index
        self.least = thresholds.least(index.manifest.tokens)
        self.information = load_information()
        self.permutations = load_permutations()
        longest = max((int(np.diff(s.offsets.astype(np.int64)).max(initial=0)) for s in index.segments), default=0)
        self.longest = longest
        self.ref_stamps = np.zeros(longest + 1, np.int32)
        self.ref_points = np.empty(longest + 2, np.int32)
        self.ref_hashes = np.empty(longest + 2, np.uint64)
        self.ref_positions = np.empty(longest + 2, np.uint32)
        self.diagonals = np.zeros((hits.DIAGONALS, 2), np.int64)
        self.candidates = np.zeros((hits.CANDIDATES, hits.CANDIDATE_COLUMNS), np.int64)
        self.row = np.zeros((2, align.WIDTH + 2), np.int64)
        self.trace = np.zeros((align.ROWS + 1, align.WIDTH), np.uint8)
        self.matched = np.empty((align.ROWS, 2), np.int32)
        self.hit_seeds = np.empty(1 << 17, np.uint32)
        self.hit_positions = np.empty(1 << 17, np.uint32)
        self.alignments = np.empty((1 << 12, hits.ALIGNMENT_COLUMNS), np.int64)
        self.blocks = np.empty((1 << 16, 3), np.int32)
        self._room(1 << 17)

    def _room(self, tokens: int) -> None:
        """Scratch for chunks of so many tokens."""
        self.common = np.empty(tokens, np.uint8)
        self.covered = np.empty(tokens, np.uint8)
        self.doc_stamps = np.empty(tokens, np.int32)
        self.point_starts = np.empty(tokens, np.int32)
        self.point_ends = np.empty(tokens, np.int32)
        self.shingles = np.empty(max(tokens, self.longest + 1), np.uint32)
        self.sums = np.empty(max(tokens, self.longest) + LONGEST + 1, np.uint32)
        self.rolling = np.empty(max(tokens, self.longest) + LONGEST + 1, np.uint64)
        # Scratch and output of `weights.weigh`.
        self.weighing = (
            self.sums,
            self.rolling,
            np.empty(tokens, np.uint64),
            np.empty(tokens, np.uint8),
            np.empty(tokens, np.uint8),
        )

    def match(self, chunk: Chunk, buf: np.ndarray) -> ChunkHits | None:
        """Hits of a chunk whose texts are in ``buf`` (uint8); None where there are none."""
        if len(chunk.ids) >= len(self.common):
            self._room(2 * len(chunk.ids))
        found = [
            (self.index.first[k], *part)
            for k, segment in enumerate(self.index.segments)
            for part in self._alignments(chunk, segment, buf)
        ]
        if not found:
            return None
        ints = np.concatenate([np.c_[i[:, 0], i[:, 1] + first, i[:, 2:4]] for first, i, *_ in found])
        floats = np.concatenate([f for _, _, f, *_ in found])
        spans = np.concatenate([s for *_, s, _ in found])
        counts = np.concatenate([i[:, evidence.HIT_SPANS_END] - i[:, evidence.HIT_SPANS_BEGIN] for _, i, *_ in found])
        covered = found[0][-1]
        for *_, other in found[1:]:
            covered = covered | other
        covered_to = np.concatenate([[0], np.cumsum(covered)])
        order = np.lexsort((ints[:, 1], -floats[:, 2], -floats[:, 0], ints[:, 0]))
        starts = (np.cumsum(counts) - counts)[order]
        counts = counts[order]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        rows = np.repeat(starts - offsets[:-1], counts) + np.arange(offsets[-1])
        spans = spans[rows]
        hit_of = np.repeat(np.arange(len(counts)), counts)
        spans = spans[np.lexsort((spans[:, 2], spans[:, 0], hit_of))]
        at = chunk.token_offsets
        return ChunkHits(ints[order], floats[order], spans, offsets, covered_to[at[1:]] - covered_to[at[:-1]])

    def _alignments(self, chunk: Chunk, segment: Segment, buf: np.ndarray):
        """Integers, floats, spans and covered tokens of the hits in one segment; nothing or one of each."""
        parts = [
            part
            for seeds, positions in self._hits(chunk, segment)
            for part in self._aligned(chunk, segment, seeds, positions)
        ]
        parts += self._equal(chunk, segment)
        if not parts:
            return
        alignments, blocks = joined(parts)
        least, least_exact = self.least
        order = np.lexsort((-alignments[:, hits.SCORE], alignments[:, hits.REF], alignments[:, hits.DOC]))
        tokens = len(chunk.ids)
        covered = self.covered[:tokens]
        covered[:] = 0
        self.doc_stamps[:tokens] = 0
        self.ref_stamps[:] = 0
        ints = np.empty((len(alignments), evidence.HIT_INTS), np.int64)
        floats = np.empty((len(alignments), evidence.HIT_FLOATS), np.float32)
        spans = np.empty((len(blocks), 4), np.int32)
        n, n_spans = collect_hits(
            alignments,
            order,
            blocks,
            least,
            least_exact,
            buf,
            chunk.offsets,
            chunk.ids,
            chunk.starts,
            chunk.ends,
            chunk.token_offsets,
            segment.tokens,
            segment.offsets,
            segment.starts,
            segment.long_starts,
            *self.permutations,
            covered,
            self.doc_stamps,
            self.ref_stamps,
            self.point_starts,
            self.point_ends,
            self.ref_points,
            self.shingles,
            ints,
            floats,
            spans,
        )
        if n:
            yield ints[:n], floats[:n], spans[:n_spans], covered.copy()

    def _hits(self, chunk: Chunk, segment: Segment):
        """Seeds and positions of hits, as many at a time as the buffers hold."""
        seeds = len(chunk.seed_hashes)
        at = 0
        while at < seeds:
            at, n = find_hits(
                chunk.seed_hashes,
                seeds,
                at,
                segment.filter,
                *segment.seeds,
                segment.tokens,
                self.hit_seeds,
                self.hit_positions,
                self.common,
            )
            if at < seeds:
                # Documents are aligned whole: make room for all hits of the chunk and look them up again.
                self._more_hits()
                at = 0
            elif n:
                yield self.hit_seeds[:n], self.hit_positions[:n]
        at = 0 if seeds and self.common[:seeds].any() else seeds
        while at < seeds:
            before = at
            at, n = find_banded_hits(
                chunk.ids,
                chunk.token_offsets,
                chunk.seed_hashes,
                chunk.seed_docs,
                at,
                self.common,
                *segment.bands,
                segment.tokens,
                segment.offsets,
                self.index.parameters.banded_tokens,
                *self.permutations,
                self.index.parameters.bands,
                self.index.parameters.rows,
                self.information.single,
                self.index.parameters.least,
                *self.index.parameters.limits,
                self.shingles,
                self.sums,
                self.rolling,
                self.ref_hashes,
                self.ref_positions,
                self.hit_seeds,
                self.hit_positions,
            )
            if n:
                yield self.hit_seeds[:n], self.hit_positions[:n]
            if at == before:  # one document with more hits than fit
                self._more_hits()

    def _more_hits(self) -> None:
        self.hit_seeds = np.empty(2 * len(self.hit_seeds), np.uint32)
        self.hit_positions = np.empty(2 * len(self.hit_positions), np.uint32)

    def _equal(self, chunk: Chunk, segment: Segment):
        """Alignments and blocks of documents that equal references, in pieces."""
        at = 0
        while at < len(chunk.fingerprints):
            at, n = find_equal(
                chunk.fingerprints,
                at,
                chunk.ids,
                chunk.token_offsets,
                *segment.prints,
                segment.tokens,
                segment.offsets,
                *self.information,
                self.index.background,
                self.alignments,
                self.blocks,
                *self.weighing,
            )
            if n:
                yield self.alignments[:n].copy(), self.blocks[:n].copy()

    def _aligned(self, chunk: Chunk, segment: Segment, seeds: np.ndarray, positions: np.ndarray):
        """Alignments and blocks of hits, in pieces."""
        at = 0
        while at < len(seeds):
            before = at
            at, n, n_blocks = align_hits(
                chunk.ids,
                chunk.token_offsets,
                chunk.seed_docs,
                chunk.seed_positions,
                seeds,
                positions,
                at,
                len(seeds),
                segment.tokens,
                segment.offsets,
                *self.information,
                segment.phrases,
                self.index.background,
                self.alignments,
                self.blocks,
                self.diagonals,
                self.candidates,
                self.row,
                self.trace,
                self.matched,
                *self.weighing,
            )
            if n:
                yield self.alignments[:n].copy(), self.blocks[:n_blocks].copy()
            if at == before:  # one document with more alignments than fit
                self.alignments = np.empty((2 * len(self.alignments), hits.ALIGNMENT_COLUMNS), np.int64)
                self.blocks = np.empty((2 * len(self.blocks), 3), np.int32)


def joined(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Alignments and blocks of several calls as if of one."""
    if len(parts) == 1:
        return parts[0]
    base = 0
    for alignments, blocks in parts:
        alignments[:, hits.BLOCK_BEGIN] += base
        alignments[:, hits.BLOCK_END] += base
        base += len(blocks)
    return np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts])
