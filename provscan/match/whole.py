"""Whole documents: equal fingerprints, and LSH bands where seeds are too common to be looked up."""

from __future__ import annotations

import numpy as np
from numba import njit

from provscan.index.table import BUCKET_SHIFT, get
from provscan.match.hits import record
from provscan.match.weights import weigh
from provscan.sketch.minhash import EMPTY, band_hashes, minhash, shingle_hashes
from provscan.sketch.seeds import find_seeds

COMMON_SHARE = 0.25
"""Share of a document's seeds that must be common among the references before its LSH bands are looked up.

A document whose Jaccard similarity with a reference is .8 has nearly nine tenths of its seeds from it. Where those are
not common, the seeds find it; so the signature, the dearer sketch, is made only where it can find something.
"""
LEAST_JACCARD = 0.7
"""Estimated similarity at which a candidate from the bands is aligned."""
MOST_CANDIDATES = 16
MOST_EQUAL = 64
"""References looked at for a fingerprint: of equal ones the index keeps fewer, and others share it by chance only."""


@njit(cache=True, nogil=True)
def look_up(h, buckets, postings, position_bits, out):
    """Positions of hash ``h`` in a table, at most ``len(out)``; returns their number."""
    bucket = np.int64(h >> BUCKET_SHIFT & np.uint64(len(buckets) - 2))
    shift = np.uint64(position_bits)
    wanted = h & ((np.uint64(1) << np.uint64(40 - position_bits)) - np.uint64(1))
    n = 0
    for k in range(np.int64(buckets[bucket]), np.int64(buckets[bucket + 1])):
        entry = get(postings, k)
        if entry >> shift == wanted and n < len(out):
            out[n] = entry & ((np.uint64(1) << shift) - np.uint64(1))
            n += 1
    return n


@njit(cache=True, nogil=True)
def find_equal(
    fingerprints,
    start,
    ids,
    token_offsets,
    buckets,
    postings,
    position_bits,
    tokens,
    ref_offsets,
    single,
    pairs,
    background,
    alignments,
    blocks,
    sums,
    rolling,
    hashes,
    alone,
    linked,
):
    """Alignments of documents with references of exactly the same tokens.

    Parameters
    ----------
    fingerprints, ids, token_offsets
        The chunk; documents from ``start`` on are looked up.
    buckets, postings, position_bits
        The segment's table of fingerprints.
    tokens, ref_offsets, single, pairs, background
        As for `hits.align_hits`. What is boilerplate among the references is not discounted here: a text all of whose
        tokens a model wrote in this order is a copy, if only people do not write it too.
    alignments, blocks : out
        As for `hits.align_hits`; room for `MOST_EQUAL` at least.
    sums, rolling, hashes, alone, linked
        Scratch of `weights.weigh`.

    Returns
    -------
    next, n : int64
        The document to go on with, and the number of alignments, each of one block.
    """
    knowledge = single, pairs, background, background
    scratch = sums, rolling, hashes, alone, linked
    numbers = np.empty(MOST_EQUAL, np.int64)
    n = np.int64(0)
    for d in range(start, len(fingerprints)):
        if n + MOST_EQUAL > len(alignments):
            return d, n
        first, last = token_offsets[d], token_offsets[d + 1]
        if first == last:
            continue
        found = look_up(fingerprints[d], buckets, postings, position_bits, numbers)
        for k in range(found):
            ref = numbers[k] - 1
            begin = np.int64(ref_offsets[ref])
            same = np.int64(ref_offsets[ref + 1]) - 1 - begin == last - first
            for t in range(last - first):
                same = same and ids[first + t] == tokens[begin + t]
                if not same:
                    break
            if same:
                weigh(ids, first, last, first, last, *knowledge, *scratch)
                score = np.int64(0)
                for t in range(first, last):
                    score += np.int64(linked[t])
                blocks[n, 0] = first
                blocks[n, 1] = begin
                blocks[n, 2] = last - first
                record(alignments, n, np.int64(d), ref, score, blocks, n, n + 1)
                n += 1
    return len(fingerprints), n


@njit(cache=True, nogil=True)
def find_banded_hits(
    ids,
    token_offsets,
    seed_hashes,
    seed_docs,
    start,
    common,
    buckets,
    postings,
    position_bits,
    tokens,
    ref_offsets,
    least_tokens,
    a,
    b,
    bands,
    rows,
    single,
    least,
    word_limit,
    character_limit,
    scratch,
    sums,
    rolling,
    ref_hashes,
    ref_positions,
    hit_seeds,
    hit_positions,
):
    """Hits, like those of `lookup.find_hits`, between documents full of common seeds and their LSH neighbours.

    Parameters
    ----------
    start : int64
        Seed to begin with, the first of a document.
    common : ndarray of uint8
        As `lookup.find_hits` left it.
    buckets, postings, position_bits
        The segment's table of bands.
    least_tokens : int64
        References of fewer tokens have no bands.
    a, b, bands, rows
        Permutations, and the shape of the bands.
    scratch, sums, rolling, ref_hashes, ref_positions
        Scratch for the longest document or reference.
    hit_seeds, hit_positions : out

    Returns
    -------
    next, hits : int64
        The seed to go on with, the first of a document; less than the number of seeds when the output is full.
    """
    signature = np.empty(len(a), np.uint32)
    other = np.empty(len(a), np.uint32)
    keys = np.empty(bands, np.uint64)
    numbers = np.empty(64, np.int64)
    candidates = np.empty(MOST_CANDIDATES, np.int64)
    hits = np.int64(0)
    s = start
    while s < len(seed_hashes):
        doc = np.int64(seed_docs[s])
        doc_hits = hits
        stop = s
        many = 0
        while stop < len(seed_hashes) and np.int64(seed_docs[stop]) == doc:
            many += common[stop]
            stop += 1
        first, last = token_offsets[doc], token_offsets[doc + 1]
        if many >= COMMON_SHARE * (stop - s) and last - first >= least_tokens:
            minhash(scratch, shingle_hashes(ids, first, last, scratch), a, b, signature)
            band_hashes(signature, bands, rows, keys)
            n = 0
            for band in range(bands):
                for k in range(look_up(keys[band], buckets, postings, position_bits, numbers)):
                    ref = numbers[k] - 1
                    known = n == MOST_CANDIDATES
                    for c in range(n):
                        known = known or candidates[c] == ref
                    if not known:
                        candidates[n] = ref
                        n += 1
            for c in range(n):
                begin = np.int64(ref_offsets[candidates[c]])
                end = np.int64(ref_offsets[candidates[c] + 1]) - 1
                minhash(scratch, shingle_hashes(tokens, begin, end, scratch), a, b, other)
                agree = 0
                for p in range(len(a)):
                    agree += (signature[p] == other[p]) & (other[p] != EMPTY)
                if agree < LEAST_JACCARD * len(a):
                    continue
                m, _ = find_seeds(
                    tokens,
                    begin,
                    end,
                    single,
                    least,
                    word_limit,
                    character_limit,
                    sums,
                    rolling,
                    ref_hashes,
                    ref_positions,
                    0,
                )
                for k in range(s, stop):
                    for r in range(m):
                        if ref_hashes[r] == seed_hashes[k]:
                            if hits == len(hit_seeds):
                                return s, doc_hits
                            hit_seeds[hits] = k
                            hit_positions[hits] = ref_positions[r]
                            hits += 1
        s = stop
    return len(seed_hashes), hits
