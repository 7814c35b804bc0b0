"""Posting tables: 64-bit hashes to positions, in about 5.5 bytes a posting.

A table has 2**bucket_bits buckets of about eight postings each. Of a hash, bits 16 and up choose the bucket, and its
lowest ``40 - position_bits`` bits (8 to 16) stand beside the position in a posting of five bytes, little-endian:
``remainder << position_bits | position``. Postings of a bucket are sorted, so those of one hash lie together. What a
look-up returns agrees in bucket and remainder only; callers verify it against the tokens.

A hash with more than ``most`` postings is kept as one posting with position 0, which no real posting has: it says
that the hash is common.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from provscan.text.machine import load64

WIDTH = 5
"""Bytes of a posting."""
PADDING = 8
"""Bytes after the last posting, so that eight bytes can be loaded at any posting."""
LOAD = 8
"""Postings a bucket has on average, at most."""
BUCKET_SHIFT = np.uint64(16)
POSTING_MASK = np.uint64((1 << 40) - 1)
COMMON = 0
"""Position that marks a hash as common."""


class Table(NamedTuple):
    """Attributes
    ----------
    buckets : ndarray of uint32, shape (2**bucket_bits + 1,)
        Where each bucket's postings begin.
    postings : ndarray of uint8, shape (5 * postings + 8,)
    position_bits : int
        Between 24 and 32.
    """

    buckets: np.ndarray
    postings: np.ndarray
    position_bits: int


def bucket_count(postings: int) -> int:
    """The power of two at which buckets hold at most `LOAD` postings on average."""
    return 1 << max(4, (max(1, postings) - 1) // LOAD).bit_length()


def position_bits_for(largest: int) -> int:
    """Bits that positions up to ``largest`` need, at least 24."""
    bits = max(24, int(largest).bit_length())
    if bits > 32:
        raise ValueError(f"position {largest} does not fit 32 bits")
    return bits


@njit(cache=True, nogil=True, inline="always")
def posting(h, position, position_bits):
    """The 40 bits that stand for hash ``h`` at ``position``; uint64."""
    return (h << np.uint64(position_bits) | np.uint64(position)) & POSTING_MASK


@njit(cache=True, nogil=True, inline="always")
def put(postings, at, value):
    """Write the five bytes of posting number ``at``."""
    for k in range(WIDTH):
        postings[at * WIDTH + k] = np.uint8(value >> np.uint64(8 * k) & np.uint64(0xFF))


@njit(cache=True, nogil=True, inline="always")
def get(postings, at):
    """The 40 bits of posting number ``at``."""
    return load64(postings, at * WIDTH) & POSTING_MASK


@njit(cache=True, nogil=True)
def count_into(hashes, n, low, high, counts):
    """Add to ``counts[b - low + 1]`` the hashes of each bucket ``low <= b < high``; counts uint32."""
    mask = np.uint64(counts_mask(counts))
    for i in range(n):
        b = np.int64(hashes[i] >> BUCKET_SHIFT & mask)
        if low <= b < high:
            counts[b + 1] += np.uint32(1)


@njit(cache=True, nogil=True, inline="always")
def counts_mask(buckets):
    """Mask of bucket numbers of a bucket array of 2**n + 1 entries."""
    return len(buckets) - 2


@njit(cache=True, nogil=True)
def place_into(hashes, positions, n, low, high, cursor, postings, position_bits):
    """Write the postings of buckets ``low <= b < high`` where ``cursor[b]`` (uint32) points, and move it on."""
    mask = np.uint64(len(cursor) - 1)
    for i in range(n):
        b = np.int64(hashes[i] >> BUCKET_SHIFT & mask)
        if low <= b < high:
            put(postings, np.int64(cursor[b]), posting(hashes[i], positions[i], position_bits))
            cursor[b] += np.uint32(1)


@njit(cache=True, nogil=True)
def sort_and_cut(buckets, postings, position_bits, most, scratch):
    """Sort each bucket, replace what has more than ``most`` postings by one common posting, and close the gaps.

    ``scratch`` (uint64) holds the largest bucket. Returns the number of postings left; ``buckets`` is updated.
    """
    shift = np.uint64(position_bits)
    at = np.int64(0)
    for b in range(len(buckets) - 1):
        first, last = np.int64(buckets[b]), np.int64(buckets[b + 1])
        n = last - first
        for i in range(n):
            value = get(postings, first + i)
            if n <= 32:  # insertion sort
                j = i
                while j > 0 and scratch[j - 1] > value:
                    scratch[j] = scratch[j - 1]
                    j -= 1
                scratch[j] = value
            else:
                scratch[i] = value
        if n > 32:
            scratch[:n].sort()
        buckets[b] = np.uint32(at)
        i = 0
        while i < n:
            j = i + 1
            while j < n and scratch[j] >> shift == scratch[i] >> shift:
                j += 1
            if j - i > most:
                put(postings, at, scratch[i] >> shift << shift)
                at += 1
            else:
                for k in range(i, j):
                    put(postings, at, scratch[k])
                    at += 1
            i = j
    buckets[len(buckets) - 1] = np.uint32(at)
    return at


def build_table(hashes: np.ndarray, positions: np.ndarray, most: int = 1 << 31) -> Table:
    """Table of hashes (uint64) at positions (uint32, above 0); for tables that fit memory several times."""
    n = len(hashes)
    buckets = np.zeros(bucket_count(n) + 1, np.uint32)
    bits = position_bits_for(int(positions.max(initial=0)))
    postings = np.zeros(n * WIDTH + PADDING, np.uint8)
    count_into(hashes, n, 0, len(buckets) - 1, buckets)
    return finish_table(
        buckets,
        postings,
        bits,
        most,
        lambda cursor: place_into(hashes, positions, n, 0, len(buckets) - 1, cursor, postings, bits),
    )


def finish_table(buckets, postings, position_bits, most, place):
    """From counts in ``buckets`` to a table: ``place(cursor)`` writes the postings, then they are sorted and cut."""
    largest = int(buckets.max(initial=0))
    np.cumsum(buckets, out=buckets)
    place(buckets[:-1].copy())
    left = sort_and_cut(buckets, postings, position_bits, most, np.empty(max(1, largest), np.uint64))
    if left * WIDTH + PADDING < len(postings):
        postings[left * WIDTH : left * WIDTH + PADDING] = 0
    return Table(buckets, postings[: left * WIDTH + PADDING], position_bits)


FILTER_BITS = 8
"""Bits of a filter for each posting, at least: one seed in eight that has no posting passes."""


@njit(cache=True, nogil=True, inline="always")
def filter_bit(h, position_bits, size):
    """The bit of hash ``h`` in a filter of ``size`` bytes: the low bits of its bucket and remainder; int64."""
    low = np.uint64(40 - position_bits)
    bit = h >> BUCKET_SHIFT << low | h & ((np.uint64(1) << low) - np.uint64(1))
    return np.int64(bit & np.uint64(size * 8 - 1))


@njit(cache=True, nogil=True)
def fill_filter(buckets, postings, position_bits, bits):
    """Set the bit of every posting's hash in ``bits`` (uint8, zeroed)."""
    for b in range(len(buckets) - 1):
        for k in range(np.int64(buckets[b]), np.int64(buckets[b + 1])):
            h = np.uint64(b) << BUCKET_SHIFT | get(postings, k) >> np.uint64(position_bits)
            bit = filter_bit(h, position_bits, len(bits))
            bits[bit >> 3] |= np.uint8(1 << (bit & 7))


def make_filter(table: Table) -> np.ndarray:
    """A bit array (uint8) that says for most hashes that the table does not have them.

    It is made in memory when a scan begins: 6 million postings take 40 ms.
    """
    postings = (len(table.postings) - PADDING) // WIDTH
    bits = np.zeros(max(64, 1 << (postings * FILTER_BITS // 8).bit_length()), np.uint8)
    # No wider than what a posting tells of its hash.
    known = (len(table.buckets) - 2).bit_length() + 40 - table.position_bits
    bits = bits[: 1 << (known - 3)]
    fill_filter(*table, bits)
    return bits
