"""MinHash of shingles of five tokens, equal to datasketch's bit for bit.

datasketch 2's scheme ``affine32``: a 32-bit input hash goes through MurmurHash3's 32-bit finalizer, then permutation
p maps it to ``a[p] * h + b[p]`` modulo 2**32 with a odd; a signature holds the minimum of each. The permutations are
datasketch's own for seed 1, and so is the choice of bands and rows. The input hash of a shingle is made here: the top
32 bits of ``finish(t0 * B**4 + ... + t4 + n * N)`` modulo 2**64 over token ids (`seeds`); a text of fewer than five
tokens is one shingle.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from provscan.sketch.seeds import BASE
from provscan.text.tokens import BASIS, N, finish, mix

if TYPE_CHECKING:
    from datasketch import MinHash

NUM_PERM = 128
SHINGLE = 5
EMPTY = np.uint32(0xFFFFFFFF)
S32 = np.uint64(32)
F32A = np.uint32(0x85EBCA6B)
F32B = np.uint32(0xC2B2AE35)
U13 = np.uint32(13)
U16 = np.uint32(16)
OLDEST = np.uint64(pow(int(BASE), SHINGLE, 1 << 64))


class Permutations(NamedTuple):
    """a (odd) and b of each permutation: ndarrays of uint32, shape (128,)."""

    a: np.ndarray
    b: np.ndarray


@cache
def load_permutations() -> Permutations:
    """datasketch's permutations for ``MinHash(num_perm=128, seed=1)``, drawn as its version 2 draws them."""
    generator = np.random.RandomState(1)
    a = generator.randint(0, 1 << 31, NUM_PERM, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = generator.randint(0, 1 << 32, NUM_PERM, dtype=np.uint32)
    return Permutations(a, b)


@njit(cache=True, nogil=True)
def shingle_hashes(ids, first, last, out):
    """Input hashes (uint32) of the shingles of ``ids[first:last]`` into ``out``; returns their number."""
    n = last - first
    if n == 0:
        return 0
    length = min(n, SHINGLE)
    rolling = np.uint64(0)
    count = 0
    for i in range(n):
        rolling = rolling * BASE + np.uint64(ids[first + i])
        if i >= SHINGLE:
            rolling -= np.uint64(ids[first + i - SHINGLE]) * OLDEST
        if i >= length - 1:
            out[count] = np.uint32(finish(rolling + np.uint64(length) * N) >> S32)
            count += 1
    return count


@njit(cache=True, nogil=True)
def minhash(hashes, n, a, b, signature):
    """Signature (uint32, as many as a) of ``hashes[:n]`` (uint32), in place; all ones where n is 0."""
    signature[:] = EMPTY
    for i in range(n):
        h = hashes[i]
        h = np.uint32(np.uint32(h ^ (h >> U16)) * F32A)
        h = np.uint32(np.uint32(h ^ (h >> U13)) * F32B)
        h = h ^ (h >> U16)
        for p in range(len(a)):
            signature[p] = min(signature[p], np.uint32(np.uint32(a[p] * h) + b[p]))


@njit(cache=True, nogil=True)
def signatures(ids, offsets, a, b, scratch, out):
    """Signatures of the texts ``ids[offsets[d]:offsets[d + 1]]`` into ``out`` (uint32, shape (texts, permutations))."""
    for d in range(len(offsets) - 1):
        n = shingle_hashes(ids, np.int64(offsets[d]), np.int64(offsets[d + 1]), scratch)
        minhash(scratch, n, a, b, out[d])


@njit(cache=True, nogil=True)
def band_hashes(signature, bands, rows, out):
    """64-bit hashes of a signature's bands, each over its number and its ``rows`` values."""
    for band in range(bands):
        h = mix(BASIS, np.uint64(band))
        for r in range(rows):
            h = mix(h, np.uint64(signature[band * rows + r]))
        out[band] = finish(h)


def jaccard(one: np.ndarray, other: np.ndarray) -> float:
    """Estimate of the Jaccard similarity of two signatures: the share of permutations that agree."""
    return float(np.count_nonzero(one == other)) / len(one)


@cache
def bands_and_rows(threshold: float) -> tuple[int, int]:
    """datasketch's choice of bands and rows for a Jaccard threshold at 128 permutations."""
    from datasketch import MinHashLSH

    lsh = MinHashLSH(threshold=threshold, num_perm=NUM_PERM)
    return int(lsh.b), int(lsh.r)


def to_datasketch(signature: np.ndarray) -> MinHash:
    """The signature as a datasketch ``MinHash``, to be put into its ``MinHashLSH``, Redis storage included.

    Parameters
    ----------
    signature : ndarray of uint32, shape (128,)
    """
    from datasketch import MinHash

    return MinHash(num_perm=NUM_PERM, hashvalues=signature.astype(np.uint32), scheme="affine32")
