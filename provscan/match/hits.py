"""From hits of seeds to alignments: extend, gate, align, and keep what each document shares with which reference."""

from __future__ import annotations

import numpy as np
from numba import njit

from provscan.match.align import extend_gapped
from provscan.match.extend import extend, rescore
from provscan.match.weights import weigh
from provscan.text.information import UNIT
from provscan.text.machine import prefetch

GATE = 50 * UNIT
"""Ungapped score, tokens taken as independent, that earns a second look."""
SECOND_GATE = 38 * UNIT
"""The same by conditional information, for a gapped alignment."""
KEEP = 40 * UNIT
"""Alignments below this are not evidence of anything and are dropped here."""
DIAGONALS = 1024
"""Entries of the small table of diagonals that were extended already."""
CANDIDATES = 4096
"""Ungapped candidates that a document is aligned with at a time, the best first."""
SLACK = 3
"""Diagonals beside those of an alignment on which a candidate counts as the same alignment."""

WINDOW = 48
EDGE = 24
"""Tokens around a candidate that are weighed first; an alignment that comes this near their end is made anew."""
AHEAD = 8
LINE = 32
"""Hits whose tokens are asked for ahead of time, and the tokens in a cache line: extension reads about one in all."""
MORE = 1.5
"""An alignment with so many times the bits of a candidate on the same tokens explains it."""

# Columns of the array of alignments.
DOC, REF, SCORE, DOC_BEGIN, DOC_END, REF_BEGIN, REF_END, BLOCK_BEGIN, BLOCK_END, LOW, HIGH = range(11)
ALIGNMENT_COLUMNS = 11
# Columns of the array of candidates.
C_SCORE, C_BEGIN, C_END, C_DIAGONAL = range(4)
CANDIDATE_COLUMNS = 4


@njit(cache=True, nogil=True)
def find_candidates(
    ids, first, last, seed_positions, hit_seeds, hit_positions, h, stop, tokens, single, diagonals, candidates
):
    """Ungapped candidates among a document's hits ``h`` to ``stop``, the best first.

    Returns the number of candidates and the hit to go on with, less than ``stop`` when the candidates are full.
    """
    n = 0
    while h < stop and n < len(candidates):
        i = np.int64(seed_positions[hit_seeds[h]])
        j = np.int64(hit_positions[h])
        h += 1
        if h + AHEAD < len(hit_positions):
            ahead = np.int64(hit_positions[h + AHEAD])
            prefetch(tokens, max(ahead - LINE // 2, 0))
            prefetch(tokens, ahead + LINE // 2)
        diagonal = j - i
        # Indices in ids grow over the documents, so what an entry says of an earlier document covers no seed here.
        slot = diagonal & (DIAGONALS - 1)
        if diagonals[slot, 0] == diagonal and i < diagonals[slot, 1]:
            continue
        score, begin, end = extend(ids, first, last, tokens, i, j, single)
        diagonals[slot, 0] = diagonal
        diagonals[slot, 1] = max(end, i + 1)
        if score < GATE:
            continue
        k = n
        while k > 0 and candidates[k - 1, C_SCORE] < score:
            candidates[k] = candidates[k - 1]
            k -= 1
        candidates[k, C_SCORE] = score
        candidates[k, C_BEGIN] = begin
        candidates[k, C_END] = end
        candidates[k, C_DIAGONAL] = diagonal
        n += 1
    return n, h


@njit(cache=True, nogil=True)
def is_explained(candidate, alignments, begin, end):
    """Whether alignments ``begin`` to ``end`` leave nothing to find in a candidate.

    It is part of one of them, or its tokens stand in one with `MORE` times its bits: the longer copy then tells where
    they come from.
    """
    for k in range(begin, end):
        if alignments[k, DOC_BEGIN] <= candidate[C_BEGIN] and candidate[C_END] <= alignments[k, DOC_END]:
            if alignments[k, LOW] - SLACK <= candidate[C_DIAGONAL] <= alignments[k, HIGH] + SLACK:
                return True
            if alignments[k, SCORE] >= MORE * candidate[C_SCORE]:
                return True
    return False


@njit(cache=True, nogil=True)
def add_block(blocks, n, begin, d, r):
    """Add the matched pair (d, r) to the last block or after it; blocks before ``begin`` are another alignment's."""
    if n > begin and blocks[n - 1, 0] + blocks[n - 1, 2] == d and blocks[n - 1, 1] + blocks[n - 1, 2] == r:
        blocks[n - 1, 2] += 1
        return n
    blocks[n, 0] = d
    blocks[n, 1] = r
    blocks[n, 2] = 1
    return n + 1


@njit(cache=True, nogil=True)
def align_candidate(ids, first, last, tokens, candidate, alone, linked, row, trace, matched, blocks, n):
    """Extend a candidate with gaps on both sides within the document tokens ``first`` to ``last``.

    Returns its score and the number of blocks, ``n`` before.
    """
    begin, end, diagonal = candidate[C_BEGIN], candidate[C_END], candidate[C_DIAGONAL]
    block_begin = n
    left, m = extend_gapped(
        ids, first, last, tokens, begin - 1, begin - 1 + diagonal, -1, alone, linked, row, trace, matched
    )
    for k in range(m):
        n = add_block(blocks, n, block_begin, matched[k, 0], matched[k, 1])
    for k in range(begin, end):
        if ids[k] == tokens[k + diagonal]:
            n = add_block(blocks, n, block_begin, k, k + diagonal)
    right, m = extend_gapped(ids, first, last, tokens, end, end + diagonal, 1, alone, linked, row, trace, matched)
    for k in range(m - 1, -1, -1):
        n = add_block(blocks, n, block_begin, matched[k, 0], matched[k, 1])
    return candidate[C_SCORE] + left + right, n


@njit(cache=True, nogil=True)
def reaches(blocks, begin, end, low, high, first, last):
    """Whether blocks come so near a window ``low`` to ``high`` of a document that the alignment may go on beyond it."""
    if low > first and blocks[begin, 0] < low + EDGE:
        return True
    return high < last and blocks[end - 1, 0] + blocks[end - 1, 2] > high - EDGE


@njit(cache=True, nogil=True)
def find_reference(offsets, position):
    """Number of the reference whose tokens include ``position``: the last that starts at or before it."""
    low, high = np.int64(0), np.int64(len(offsets) - 1)
    while high - low > 1:
        middle = (low + high) // 2
        if np.int64(offsets[middle]) <= position:
            low = middle
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def record(alignments, n, doc, ref, score, blocks, begin, end):
    """Write row ``n`` of the alignments from its blocks ``begin`` to ``end``."""
    low = np.int64(1 << 40)
    high = np.int64(-(1 << 40))
    for k in range(begin, end):
        shift = np.int64(blocks[k, 1]) - np.int64(blocks[k, 0])
        low = min(low, shift)
        high = max(high, shift)
    alignments[n, DOC] = doc
    alignments[n, REF] = ref
    alignments[n, SCORE] = score
    alignments[n, DOC_BEGIN] = blocks[begin, 0]
    alignments[n, DOC_END] = blocks[end - 1, 0] + blocks[end - 1, 2]
    alignments[n, REF_BEGIN] = blocks[begin, 1]
    alignments[n, REF_END] = blocks[end - 1, 1] + blocks[end - 1, 2]
    alignments[n, BLOCK_BEGIN] = begin
    alignments[n, BLOCK_END] = end
    alignments[n, LOW] = low
    alignments[n, HIGH] = high


@njit(cache=True, nogil=True)
def align_hits(
    ids,
    token_offsets,
    seed_docs,
    seed_positions,
    hit_seeds,
    hit_positions,
    start,
    n_hits,
    tokens,
    ref_offsets,
    single,
    pairs,
    boilerplate,
    background,
    alignments,
    blocks,
    diagonals,
    candidates,
    row,
    trace,
    matched,
    sums,
    rolling,
    hashes,
    alone,
    linked,
):
    """Alignments of the documents of a chunk with the references of one segment.

    Parameters
    ----------
    ids : ndarray of uint16
        Tokens of the chunk's documents; document d's are ``ids[token_offsets[d]:token_offsets[d + 1]]``.
    token_offsets : ndarray of int64
    seed_docs, seed_positions : ndarrays of uint32
        Document of each seed and index in ``ids`` of its first token.
    hit_seeds, hit_positions : ndarrays of uint32
        What `lookup.find_hits` gave, in document order; those from ``start`` to ``n_hits`` are worked on.
    tokens, ref_offsets
        The segment's stream, and where each reference starts in it.
    single, pairs, boilerplate, background
        As for `weights.weigh`.
    alignments : ndarray of int64, shape (n, ALIGNMENT_COLUMNS), out
        Document, reference, score in 1/16 bit, token ranges in ids and stream, range in blocks, range of diagonals.
    blocks : ndarray of int32, shape (n, 3), out
        Runs of shared tokens: first index in ids, first in tokens, length.
    diagonals, candidates : ndarrays of int64, shapes (DIAGONALS, 2) and (CANDIDATES, CANDIDATE_COLUMNS)
        Scratch.
    row, trace, matched
        Scratch of `extend_gapped`.
    sums, rolling, hashes, alone, linked
        Scratch and output of `weights.weigh`; the last two are indexed as ids.

    Returns
    -------
    next : int64
        The hit to go on with, the first of a document; less than ``n_hits`` when the output is full.
    n_alignments, n_blocks : int64
    """
    knowledge = single, pairs, boilerplate, background
    scratch = sums, rolling, hashes, alone, linked
    n = np.int64(0)
    n_blocks = np.int64(0)
    diagonals[:, 1] = -1
    h = start
    while h < n_hits:
        doc = np.int64(seed_docs[hit_seeds[h]])
        doc_hit, doc_n, doc_blocks = h, n, n_blocks
        stop = h + 1
        while stop < n_hits and np.int64(seed_docs[hit_seeds[stop]]) == doc:
            stop += 1
        first = token_offsets[doc]
        last = token_offsets[doc + 1]
        weighed = False  # the whole document: most have candidates, few of them come to anything
        while h < stop:
            found, h = find_candidates(
                ids,
                first,
                last,
                seed_positions,
                hit_seeds,
                hit_positions,
                h,
                stop,
                tokens,
                single,
                diagonals,
                candidates,
            )
            for c in range(found):
                candidate = candidates[c]
                if is_explained(candidate, alignments, doc_n, n):
                    continue
                low = max(first, candidate[C_BEGIN] - WINDOW)
                high = min(last, candidate[C_END] + WINDOW)
                if not weighed:
                    weigh(ids, first, last, candidate[C_BEGIN], candidate[C_END], *knowledge, *scratch)
                candidate[C_SCORE], candidate[C_BEGIN], candidate[C_END] = rescore(
                    ids, candidate[C_BEGIN], candidate[C_END], tokens, candidate[C_DIAGONAL], alone, linked
                )
                if candidate[C_SCORE] < SECOND_GATE:
                    continue
                # Room for the worst case, every token a block of its own, so that nothing is ever cut off.
                most = candidate[C_END] - candidate[C_BEGIN] + 2 * len(matched)
                if n >= len(alignments) or n_blocks + most > len(blocks):
                    return doc_hit, doc_n, doc_blocks
                if weighed:
                    low, high = first, last
                else:
                    weigh(ids, first, last, low, high, *knowledge, *scratch)
                score, end = align_candidate(
                    ids, low, high, tokens, candidate, alone, linked, row, trace, matched, blocks, n_blocks
                )
                if not weighed and reaches(blocks, n_blocks, end, low, high, first, last):
                    weigh(ids, first, last, first, last, *knowledge, *scratch)
                    weighed = True
                    score, end = align_candidate(
                        ids, first, last, tokens, candidate, alone, linked, row, trace, matched, blocks, n_blocks
                    )
                if score >= KEEP:
                    ref = find_reference(ref_offsets, candidate[C_BEGIN] + candidate[C_DIAGONAL])
                    record(alignments, n, doc, ref, score, blocks, n_blocks, end)
                    n += 1
                    n_blocks = end
    return n_hits, n, n_blocks
