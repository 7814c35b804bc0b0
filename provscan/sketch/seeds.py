"""Seeds: runs of tokens of equal information, sampled by their hash.

From each token on, the shortest run of 2 to 8 tokens that carries at least ``least`` bits, kept if its hash is among
the lowest 1/s (a scaled MinHash, FracMinHash, of runs of equal information instead of equal length; Irber et al. 2022,
bioRxiv 2022.01.11.475838, for FracMinHash). Rare words make short seeds that survive editing, common words long ones.

Arithmetic: the hash of ids t0..tn-1 is ``finish(t0 * B**(n-1) + ... + tn-1 + n * N)`` modulo 2**64, B = `BASE`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from provscan.text.tokens import FIRST_CHARACTER, N, finish

BASE = np.uint64(0x9E3779B97F4A7C15)
SHORTEST = 2
LONGEST = 8
POWERS = np.array([pow(int(BASE), k, 1 << 64) for k in range(LONGEST + 1)], np.uint64)


@njit(cache=True, nogil=True)
def find_seeds(ids, first, last, single, least, word_limit, character_limit, sums, rolling, hashes, positions, at):
    """Sampled seeds of the tokens ``ids[first:last]``.

    Lengths come from prefix sums by counting, without a branch, so that the compiler can do several tokens at once.

    Parameters
    ----------
    ids : ndarray of uint16
    first, last : int64
    single : ndarray of uint8, shape (65536,)
        Information of each id in 1/16 bit.
    least : int64
        Information that a seed needs, in 1/16 bit.
    word_limit, character_limit : uint64
        A seed is kept if its hash is at most this, by whether it begins with a word or with a single character.
    sums : ndarray of uint32, shape (last - first + LONGEST + 1 or more,)
        Scratch; prefix sums modulo 2**32, of which only differences are used.
    rolling : ndarray of uint64, same shape
        Scratch.
    hashes : ndarray of uint64, out
    positions : ndarray of uint32, out
        Index in ``ids`` of each seed's first token.
    at : int64
        Where in ``hashes`` and ``positions`` to write; they need room for ``last - first + 1`` more.

    Returns
    -------
    at, bits : int64
        Where the next seed would be written, and the information of all tokens, in 1/16 bit.
    """
    n = last - first
    total = np.int64(0)
    power = np.uint64(0)
    sums[0] = 0
    rolling[0] = power
    for i in range(n):
        total += np.int64(single[ids[first + i]])
        power = power * BASE + np.uint64(ids[first + i])
        sums[i + 1] = np.uint32(total & 0xFFFFFFFF)
        rolling[i + 1] = power
    for i in range(n + 1, n + LONGEST + 1):
        sums[i] = sums[n]
    goal = np.uint32(least)
    for i in range(n - 1):
        start = sums[i]
        length = SHORTEST
        for k in range(SHORTEST, LONGEST):
            length += np.uint32(sums[i + k] - start) < goal
        end = i + length
        # Beyond the last token the sums stand still: a run that would need it lacks the information.
        if end <= n:
            h = finish(rolling[end] - rolling[i] * POWERS[length] + np.uint64(length) * N)
            limit = character_limit if ids[first + i] >= FIRST_CHARACTER else word_limit
            hashes[at] = h
            positions[at] = first + i
            at += (h <= limit) & (np.uint32(sums[end] - start) >= goal)
    return at, total
