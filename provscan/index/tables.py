"""The posting tables of a segment, made from its token stream."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

from provscan.index.parameters import Parameters
from provscan.index.table import (
    PADDING,
    WIDTH,
    Table,
    bucket_count,
    build_table,
    count_into,
    finish_table,
    place_into,
    position_bits_for,
)
from provscan.sketch.minhash import band_hashes, load_permutations, minhash, shingle_hashes
from provscan.sketch.phrases import filter_bytes, learn, phrase_hashes
from provscan.sketch.seeds import LONGEST, find_seeds
from provscan.text.information import load_information
from provscan.text.tokens import FIRST_CHARACTER

SEED_BLOCK = 1 << 16
"""Seeds that a worker holds at a time."""
REPEAT_SLOTS = 512
SAME_TEXT = 16
"""References of the same text that have postings. More would make its seeds common, and the text hard to find."""


@njit(cache=True, nogil=True)
def stream_seeds(
    tokens, offsets, kept, first, last, single, least, word_limit, character_limit, sums, rolling, hashes, positions
):
    """Seeds of ``kept`` references from ``first`` on, as many as fit; returns the next reference and their number."""
    at = np.int64(0)
    while first < last:
        begin = np.int64(offsets[first])
        end = np.int64(offsets[first + 1]) - 1
        if at + (end - begin) + 1 > len(hashes):
            break
        if kept[first]:
            after, _ = find_seeds(
                tokens, begin, end, single, least, word_limit, character_limit, sums, rolling, hashes, positions, at
            )
            at = drop_repeats(hashes, positions, at, after)
        first += 1
    return first, at


@njit(cache=True, nogil=True)
def drop_repeats(hashes, positions, begin, end):
    """Keep the first of equal seeds ``begin`` to ``end`` of a reference; returns the new end.

    Models get caught in loops: a text that says one thing a hundred times would meet each of its copies ten thousand
    times. A seed is known by the last one in its slot of a small table, so a few repeats stay.
    """
    seen = np.zeros(REPEAT_SLOTS, np.uint64)
    at = begin
    for s in range(begin, end):
        slot = np.int64(hashes[s] & np.uint64(REPEAT_SLOTS - 1))
        if seen[slot] != hashes[s]:
            seen[slot] = hashes[s]
            hashes[at] = hashes[s]
            positions[at] = positions[s]
            at += 1
    return at


def expected_seeds(tokens: np.ndarray, parameters: Parameters) -> int:
    """About how many seeds a stream gives: one a token, less what sampling leaves out by kind of token."""
    characters = int(np.count_nonzero(tokens >= FIRST_CHARACTER))
    return (len(tokens) - characters) // parameters.word_scaled + characters // parameters.character_scaled


def first_copies(fingerprints: np.ndarray) -> np.ndarray:
    """Which references are among the first `SAME_TEXT` of their fingerprint; bool."""
    order = np.argsort(fingerprints, kind="stable")
    ordered = fingerprints[order]
    first = np.searchsorted(ordered, ordered)
    kept = np.empty(len(order), bool)
    kept[order] = np.arange(len(order)) - first < SAME_TEXT
    return kept


def seed_table(
    tokens: np.ndarray, offsets: np.ndarray, kept: np.ndarray, parameters: Parameters, workers: int
) -> Table:
    """The table of seeds of ``kept`` references: counted, then placed, each worker for its own range of buckets."""
    single = load_information().single
    longest = int(np.diff(offsets.astype(np.int64)).max(initial=0))
    buckets = np.zeros(bucket_count(expected_seeds(tokens, parameters)) + 1, np.uint32)
    bits = position_bits_for(len(tokens))

    def each_block(low: int, high: int, cursor: np.ndarray | None, postings: np.ndarray | None) -> None:
        room = SEED_BLOCK + longest + 1
        hashes, positions = np.empty(room, np.uint64), np.empty(room, np.uint32)
        sums, rolling = np.empty(longest + LONGEST + 1, np.uint32), np.empty(longest + LONGEST + 1, np.uint64)
        first, references = 0, len(offsets) - 1
        while first < references:
            first, n = stream_seeds(
                tokens,
                offsets,
                kept,
                first,
                references,
                single,
                parameters.least,
                *parameters.limits,
                sums,
                rolling,
                hashes,
                positions,
            )
            if postings is None:
                count_into(hashes, n, low, high, buckets)
            else:
                place_into(hashes, positions, n, low, high, cursor, postings, bits)

    parts = np.linspace(0, len(buckets) - 1, workers + 1).astype(int).tolist()

    def all_parts(cursor: np.ndarray | None = None, postings: np.ndarray | None = None) -> None:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda k: each_block(parts[k], parts[k + 1], cursor, postings), range(workers)))

    all_parts()
    postings = np.zeros(int(buckets.sum(dtype=np.int64)) * WIDTH + PADDING, np.uint8)
    return finish_table(buckets, postings, bits, parameters.most, lambda cursor: all_parts(cursor, postings))


@njit(cache=True, nogil=True)
def stream_bands(tokens, offsets, least, a, b, bands, rows, scratch, hashes, numbers):
    """Band hashes of every reference of at least ``least`` tokens and its number plus 1; returns how many."""
    signature = np.empty(len(a), np.uint32)
    at = np.int64(0)
    for r in range(len(offsets) - 1):
        begin = np.int64(offsets[r])
        end = np.int64(offsets[r + 1]) - 1
        if end - begin < least:
            continue
        n = shingle_hashes(tokens, begin, end, scratch)
        minhash(scratch, n, a, b, signature)
        band_hashes(signature, bands, rows, hashes[at:])
        for k in range(bands):
            numbers[at + k] = r + 1
        at += bands
    return at


def band_table(tokens: np.ndarray, offsets: np.ndarray, parameters: Parameters) -> Table:
    """The table of LSH bands."""
    lengths = np.diff(offsets.astype(np.int64)) - 1
    count = int(np.count_nonzero(lengths >= parameters.banded_tokens)) * parameters.bands
    hashes, numbers = np.empty(count, np.uint64), np.empty(count, np.uint32)
    scratch = np.empty(int(lengths.max(initial=0)) + 1, np.uint32)
    if count:
        stream_bands(
            tokens,
            offsets,
            parameters.banded_tokens,
            *load_permutations(),
            parameters.bands,
            parameters.rows,
            scratch,
            hashes,
            numbers,
        )
    return build_table(hashes, numbers)


def print_table(fingerprints: np.ndarray, kept: np.ndarray) -> Table:
    """The table of the fingerprints of ``kept`` references."""
    numbers = np.flatnonzero(kept)
    return build_table(fingerprints[numbers], (numbers + 1).astype(np.uint32))


BOILERPLATE = 10
BOILERPLATE_SHARE = 0.01
"""References of different text, and their share, that a phrase stands in when it is boilerplate: a refusal, a template,
a licence. Sixty models that answer the same prompts share phrases too, which are no boilerplate; hence the share."""
MOST_COUNTED = 65535
COUNTERS = 1 << 26
"""Most counters of phrases (six bytes each): in 100 million phrases, one in 10 shares its counter with a few others."""


@njit(cache=True, nogil=True)
def count_phrases(tokens, offsets, references, single, sums, rolling, hashes, counts, stamps):
    """Count in ``counts`` (uint16, a power of two, saturating) in how many references each phrase stands, by its hash.

    ``stamps`` (uint32, zeroed, as many) holds the last reference that was counted, plus 1.
    """
    mask = np.uint64(len(counts) - 1)
    for r in references:
        first, last = np.int64(offsets[r]), np.int64(offsets[r + 1]) - 1
        phrase_hashes(tokens, first, last, single, sums, rolling, hashes)
        for k in range(last - first):
            at = np.int64(hashes[k] & mask)
            if hashes[k] != 0 and stamps[at] != r + 1:
                stamps[at] = r + 1
                counts[at] += counts[at] < MOST_COUNTED


@njit(cache=True, nogil=True)
def learn_counted(tokens, offsets, references, single, sums, rolling, hashes, counts, least, bits):
    """Put the phrases with at least ``least`` counts into ``bits``, where it has any; returns how many."""
    mask = np.uint64(len(counts) - 1)
    found = np.int64(0)
    for r in references:
        first, last = np.int64(offsets[r]), np.int64(offsets[r + 1]) - 1
        phrase_hashes(tokens, first, last, single, sums, rolling, hashes)
        for k in range(last - first):
            if hashes[k] == 0 or counts[np.int64(hashes[k] & mask)] < least:
                hashes[k] = 0
            else:
                found += 1
        if len(bits):
            learn(bits, hashes, last - first)
    return found


def common_phrases(tokens: np.ndarray, offsets: np.ndarray, fingerprints: np.ndarray) -> np.ndarray:
    """Filter of the phrases that stand in `BOILERPLATE` or more references; the same text counts once."""
    single = load_information().single
    references = np.sort(np.unique(fingerprints, return_index=True)[1])
    room = int(np.diff(offsets.astype(np.int64)).max(initial=0)) + LONGEST + 1
    scratch = np.empty(room, np.uint32), np.empty(room, np.uint64), np.empty(room, np.uint64)
    counts = np.zeros(min(COUNTERS, 1 << max(10, len(tokens).bit_length() + 2)), np.uint16)
    count_phrases(tokens, offsets, references, single, *scratch, counts, np.zeros(len(counts), np.uint32))
    least = min(max(BOILERPLATE, round(BOILERPLATE_SHARE * len(references))), MOST_COUNTED)
    args = (tokens, offsets, references, single, *scratch, counts, least)
    occurrences = int(learn_counted(*args, np.zeros(0, np.uint8)))
    # Each of them occurs at least so many times: that many fewer are different.
    bits = np.zeros(filter_bytes(occurrences // least), np.uint8)
    learn_counted(*args, bits)
    return bits
