"""From alignments to evidence: what one document shares with one reference, in code points of both texts."""

from __future__ import annotations

import numpy as np
from numba import njit

from provscan.index.positions import code_points_before, unpack_starts
from provscan.match.hits import (
    BLOCK_BEGIN,
    BLOCK_END,
    DOC,
    DOC_BEGIN,
    DOC_END,
    HIGH,
    LOW,
    REF,
    REF_BEGIN,
    REF_END,
    SCORE,
)
from provscan.match.masking import masked_tokens
from provscan.sketch.minhash import minhash, shingle_hashes
from provscan.text.information import UNIT
from provscan.text.tokens import FIRST_CHARACTER

# Columns of the integers and of the floats of a hit.
HIT_DOC, HIT_REF, HIT_KIND, HIT_MASKED, HIT_SPANS_BEGIN, HIT_SPANS_END = range(6)
HIT_INTS = 6
HIT_BITS, HIT_DOC_COVERAGE, HIT_REF_COVERAGE, HIT_JACCARD = range(4)
HIT_FLOATS = 4
EXACT, NEAR, PASSAGE, MASKED = range(4)
"""Kinds: all tokens of both texts in order; at least half of both, or half of the shingles; anything else; and whatever
of these but the first has `LEAST_MASKED` masked tokens."""
LEAST_MASKED = 2
NEAR_SHARE = 0.5
WHOLE = 0.7
WHOLE_BITS = 8 * UNIT
"""An alignment over this share of both texts needs so much less: it has one place in each reference instead of one at
each pair of tokens, some 2**9 times fewer places to arise by chance."""
JOINT = 20 * UNIT
DRIFT = 24
"""What a second alignment of the same two texts pays, and how far it may be from the diagonal of the first."""
TYPICAL = 300
"""Tokens of the document that the threshold is stated for; it grows by a bit with each doubling."""


@njit(cache=True, nogil=True)
def document_points(buf, begin, starts, ends, first, last, point_starts, point_ends):
    """Starts and ends of a document's tokens in code points, into arrays indexed from 0."""
    byte = np.int64(0)
    points = np.int64(0)
    for t in range(first, last):
        points = code_points_before(buf, begin, np.int64(starts[t]), byte, points)
        point_starts[t - first] = points
        points = code_points_before(buf, begin, np.int64(ends[t]), np.int64(starts[t]), points)
        point_ends[t - first] = points
        # Tokens of one character's expansion share its bytes: count on from the start then.
        byte = np.int64(ends[t])
        if t + 1 < last and np.int64(starts[t + 1]) < byte:
            byte = np.int64(starts[t])
            points = np.int64(point_starts[t - first])


@njit(cache=True, nogil=True)
def reference_end(tokens, at, ref_points, k, length):
    """End in code points of a reference's token ``k`` (stream token ``at``), ``length`` code points in the document.

    The index keeps where tokens start. A token is as long as the same token of the document, unless that one has
    invisible characters; it ends before the next one starts, and before what separates two words.
    """
    room = ref_points[k + 1] - ref_points[k]
    words = tokens[at] < FIRST_CHARACTER and tokens[at + 1] != 0 and tokens[at + 1] < FIRST_CHARACTER
    return ref_points[k] + max(min(length, room - 1 if words else room), 1)


@njit(cache=True, nogil=True)
def joint_score(alignments, rows, doc_tokens, ref_tokens):
    """Score of a document and a reference together, and the least share of either that lies between its ends.

    Alignments of one pair add up, less `JOINT` for each after the first, which pays for its choice of place (sum
    statistics: Karlin and Altschul 1993, PNAS 90:5873). They are taken by falling score; one is left out that shares
    tokens of either text with the best, or lies `DRIFT` diagonals and more from it: what an edited copy leaves stays
    near one diagonal, what two texts on one subject share (the states in order) does not.
    """
    total = np.int64(0)
    doc_begin, doc_end = np.int64(1 << 40), np.int64(0)
    ref_begin, ref_end = np.int64(1 << 40), np.int64(0)
    top = alignments[rows[0]]
    for k in range(len(rows)):
        one = alignments[rows[k]]
        free = top[LOW] - DRIFT < one[LOW] and one[HIGH] < top[HIGH] + DRIFT
        for j in range(k):
            other = alignments[rows[j]]
            apart = other[DOC_END] <= one[DOC_BEGIN] or one[DOC_END] <= other[DOC_BEGIN]
            free = free and apart and (other[REF_END] <= one[REF_BEGIN] or one[REF_END] <= other[REF_BEGIN])
        if k == 0 or (free and one[SCORE] > JOINT):
            total += one[SCORE] - (JOINT if k > 0 else 0)
            doc_begin, doc_end = min(doc_begin, one[DOC_BEGIN]), max(doc_end, one[DOC_END])
            ref_begin, ref_end = min(ref_begin, one[REF_BEGIN]), max(ref_end, one[REF_END])
    return total, min((doc_end - doc_begin) / doc_tokens, (ref_end - ref_begin) / ref_tokens)


@njit(cache=True, nogil=True)
def needed(least, doc_tokens, whole):
    """Score that a document of so many tokens needs for a match that spans the share ``whole`` of both texts."""
    more = round(UNIT * np.log2(doc_tokens / TYPICAL))
    return least + more - (WHOLE_BITS if whole >= WHOLE else 0)


@njit(cache=True, nogil=True)
def stamp(stamps, group):
    """Write ``group`` over ``stamps``; returns how many were of another group."""
    fresh = 0
    for k in range(len(stamps)):
        fresh += stamps[k] != group
        stamps[k] = group
    return fresh


@njit(cache=True, nogil=True)
def masked_in_alignment(buf, begin, starts, ends, blocks, alignment):
    """Tokens of the reference that placeholders of the document mask between the blocks of an alignment."""
    masked = np.int64(0)
    for k in range(alignment[BLOCK_BEGIN], alignment[BLOCK_END] - 1):
        missing = np.int64(blocks[k + 1, 1]) - np.int64(blocks[k, 1]) - np.int64(blocks[k, 2])
        if missing > 0:
            end = np.int64(ends[np.int64(blocks[k, 0]) + np.int64(blocks[k, 2]) - 1])
            masked += masked_tokens(buf, begin + end, begin + np.int64(starts[blocks[k + 1, 0]]), missing)
    return masked


@njit(cache=True, nogil=True)
def collect_hits(
    alignments,
    order,
    blocks,
    least,
    least_exact,
    buf,
    text_offsets,
    ids,
    starts,
    ends,
    token_offsets,
    tokens,
    ref_offsets,
    packed,
    exceptions,
    a,
    b,
    covered,
    doc_stamps,
    ref_stamps,
    point_starts,
    point_ends,
    ref_points,
    shingles,
    ints,
    floats,
    spans,
):
    """Group alignments by document and reference and keep the groups that are evidence.

    Parameters
    ----------
    alignments, blocks
        As `hits.align_hits` gives them.
    order : ndarray of int64
        Rows of ``alignments`` by document, reference, falling score.
    least, least_exact : int64
        Score in 1/16 bit of the best alignment that a group needs in a document of `TYPICAL` tokens, and for equal
        whole texts.
    buf, text_offsets, ids, starts, ends, token_offsets
        The chunk (`sketcher.Chunk`).
    tokens, ref_offsets, packed, exceptions
        The segment.
    a, b : ndarrays of uint32
        MinHash permutations.
    covered : ndarray of uint8, out, shape of ids
        Set to 1 where a kept group shares the token.
    doc_stamps, ref_stamps : ndarrays of int32, zeroed where a group may write
        Scratch for ids and for the longest reference.
    point_starts, point_ends, ref_points, shingles
        Scratch for the longest document, the longest reference + 1 and the longer of both.
    ints, floats : ndarrays of int64 and float32, out
        Hits; room for as many as there are alignments.
    spans : ndarray of int32, shape (blocks, 4), out

    Returns
    -------
    n, n_spans : int64
    """
    n = np.int64(0)
    n_spans = np.int64(0)
    doc_signature = np.empty(len(a), np.uint32)
    ref_signature = np.empty(len(a), np.uint32)
    doc_ready = np.int64(-1)
    group = 0
    g = 0
    while g < len(order):
        doc = alignments[order[g], DOC]
        ref = alignments[order[g], REF]
        stop = g + 1
        while stop < len(order) and alignments[order[stop], DOC] == doc and alignments[order[stop], REF] == ref:
            stop += 1
        first, last = token_offsets[doc], token_offsets[doc + 1]
        ref_first = np.int64(ref_offsets[ref])
        ref_last = np.int64(ref_offsets[ref + 1]) - 1
        begin = alignments[order[g], BLOCK_BEGIN]
        exact = last - first == ref_last - ref_first and blocks[begin, 2] == last - first
        score, whole = joint_score(alignments, order[g:stop], last - first, ref_last - ref_first)
        if score < (least_exact if exact else needed(least, last - first, whole)):
            g = stop
            continue
        if doc != doc_ready:
            document_points(buf, np.int64(text_offsets[doc]), starts, ends, first, last, point_starts, point_ends)
            m = shingle_hashes(ids, first, last, shingles)
            minhash(shingles, m, a, b, doc_signature)
            doc_ready = doc
        unpack_starts(packed, exceptions, ref_first, ref_last + 1, ref_points)
        m = shingle_hashes(tokens, ref_first, ref_last, shingles)
        minhash(shingles, m, a, b, ref_signature)
        group += 1
        doc_tokens = 0
        ref_tokens = 0
        masked = 0
        spans_begin = n_spans
        for k in range(g, stop):
            masked += masked_in_alignment(buf, np.int64(text_offsets[doc]), starts, ends, blocks, alignments[order[k]])
            for block in range(alignments[order[k], BLOCK_BEGIN], alignments[order[k], BLOCK_END]):
                d, r, length = np.int64(blocks[block, 0]), np.int64(blocks[block, 1]), np.int64(blocks[block, 2])
                fresh = stamp(doc_stamps[d : d + length], group)
                doc_tokens += fresh
                ref_tokens += stamp(ref_stamps[r - ref_first : r - ref_first + length], group)
                covered[d : d + length] = 1
                if fresh > 0:
                    end = d + length - 1 - first
                    last_length = point_ends[end] - point_starts[end]
                    spans[n_spans, 0] = point_starts[d - first]
                    spans[n_spans, 1] = point_ends[end]
                    spans[n_spans, 2] = ref_points[r - ref_first]
                    r += length - 1
                    spans[n_spans, 3] = reference_end(tokens, r, ref_points, r - ref_first, last_length)
                    n_spans += 1
        agree = 0
        for p in range(len(a)):
            agree += doc_signature[p] == ref_signature[p]
        ints[n, HIT_DOC] = doc
        ints[n, HIT_REF] = ref
        ints[n, HIT_SPANS_BEGIN] = spans_begin
        ints[n, HIT_SPANS_END] = n_spans
        floats[n, HIT_BITS] = score / UNIT
        floats[n, HIT_DOC_COVERAGE] = doc_tokens / (last - first)
        floats[n, HIT_REF_COVERAGE] = ref_tokens / (ref_last - ref_first)
        floats[n, HIT_JACCARD] = agree / len(a)
        both = min(floats[n, HIT_DOC_COVERAGE], floats[n, HIT_REF_COVERAGE])
        near = both >= NEAR_SHARE or agree >= len(a) * NEAR_SHARE
        ints[n, HIT_KIND] = EXACT if exact else MASKED if masked >= LEAST_MASKED else NEAR if near else PASSAGE
        ints[n, HIT_MASKED] = masked
        n += 1
        g = stop
    return n, n_spans
