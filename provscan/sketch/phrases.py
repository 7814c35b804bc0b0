"""Phrases: runs of tokens that say little because trusted human text, or many references, have them too.

A phrase is the shortest run of 2 to 8 tokens that ends at a token and carries `PHRASE` bits, so that it is equally
telling in any language. Known phrases are kept as bits of their hashes, two each (Bloom 1970, CACM 13:422).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from provscan.sketch.seeds import BASE, LONGEST, POWERS, SHORTEST
from provscan.text.information import UNIT
from provscan.text.tokens import N, finish

PHRASE = 24 * UNIT
"""Information of a phrase, in 1/16 bit."""
BITS_EACH = 16
"""Bits of a filter for each phrase it is made for; with two set for each, one unknown phrase in 70 passes."""
S32 = np.uint64(32)


@njit(cache=True, nogil=True)
def phrase_hashes(ids, first, last, single, sums, rolling, hashes):
    """Hash of the phrase that ends at each of the tokens ``ids[first:last]``, 0 where none does.

    Parameters
    ----------
    ids : ndarray of uint16
    first, last : int64
    single : ndarray of uint8
    sums, rolling : ndarrays of uint32 and uint64, shape (last - first + LONGEST + 1 or more,)
        Scratch.
    hashes : ndarray of uint64, shape (last - first or more,), out
        ``finish(t0 * B**(n-1) + ... + tn-1 + n * N)`` modulo 2**64, as for seeds.
    """
    n = last - first
    # The sums begin after LONGEST zeros, so that runs may be counted back from the first tokens.
    for i in range(LONGEST):
        sums[i] = 0
    rolling[0] = 0
    total = np.uint32(0)
    power = np.uint64(0)
    sums[LONGEST] = 0
    for i in range(n):
        total = np.uint32(total + np.uint32(single[ids[first + i]]))
        power = power * BASE + np.uint64(ids[first + i])
        sums[LONGEST + i + 1] = total
        rolling[i + 1] = power
    for i in range(n):
        at = LONGEST + i + 1
        length = SHORTEST
        for k in range(SHORTEST, LONGEST):
            length += np.uint32(sums[at] - sums[at - k]) < PHRASE
        hashes[i] = 0
        if length <= i + 1 and np.uint32(sums[at] - sums[at - length]) >= PHRASE:
            hashes[i] = finish(rolling[i + 1] - rolling[i + 1 - length] * POWERS[length] + np.uint64(length) * N)


@njit(cache=True, nogil=True, inline="always")
def knows(bits, h):
    """Whether both bits of hash ``h`` are set in ``bits`` (uint8, a power of two of them)."""
    mask = np.uint64(len(bits) * 8 - 1)
    one, two = np.int64(h & mask), np.int64(h >> S32 & mask)
    return ((bits[one >> 3] >> (one & 7)) & (bits[two >> 3] >> (two & 7)) & 1) != 0


@njit(cache=True, nogil=True)
def learn(bits, hashes, n):
    """Set the bits of ``hashes[:n]`` that are not 0."""
    mask = np.uint64(len(bits) * 8 - 1)
    for i in range(n):
        if hashes[i] != 0:
            one, two = np.int64(hashes[i] & mask), np.int64(hashes[i] >> S32 & mask)
            bits[one >> 3] |= np.uint8(1 << (one & 7))
            bits[two >> 3] |= np.uint8(1 << (two & 7))


def filter_bytes(phrases: int) -> int:
    """Bytes of a filter for so many phrases: a power of two; those of 2**32 bits at most, since hashes give 32."""
    return int(min(1 << 29, max(8, 1 << (phrases * BITS_EACH // 8 - 1).bit_length())))
