"""How many bits a token carries: the shipped tables and the kernels that read them. Numbers by make_information.py."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit

UNIT = 16
"""Information is stored in 1/16 bit."""
PAIR_BITS = 20
PAIR_SLOTS = 1 << PAIR_BITS
PAIR_MULTIPLIER = np.uint32(0x9E3779B1)


class Information(NamedTuple):
    """The two tables.

    Attributes
    ----------
    single : ndarray of uint8, shape (65536,)
        Bits of a token id by itself, in 1/16 bit.
    pairs : ndarray of uint16, shape (2**20,)
        By `pair_slot_tag`: a tag in the high byte, and in the low byte what the token before takes off, in 1/16 bit.
    """

    single: np.ndarray
    pairs: np.ndarray

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that stand for both tables in an index's manifest."""
        return hashlib.blake2b(self.single.tobytes() + self.pairs.tobytes(), digest_size=8).hexdigest()


@cache
def load_information() -> Information:
    """The shipped tables."""
    here = Path(__file__).parent
    return Information(np.load(here / "information.npy"), np.load(here / "pairs.npy"))


def pair_slot_tag(pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slot and tag of pairs ``a << 16 | b`` (uint32), as `conditional` computes them."""
    mixed = (pairs ^ (pairs >> np.uint32(15))) * PAIR_MULTIPLIER
    return mixed >> np.uint32(32 - PAIR_BITS), (mixed >> np.uint32(4)) & np.uint32(0xFF)


@njit(cache=True, nogil=True, inline="always")
def conditional(single, pairs, before, token):
    """Bits of ``token`` after ``before`` (both uint16), in 1/16 bit, as int64; ``before`` 0 stands for none."""
    bits = np.int64(single[token])
    if before == 0:
        return bits
    pair = np.uint32(before) << np.uint32(16) | np.uint32(token)
    mixed = np.uint32((pair ^ (pair >> np.uint32(15))) * PAIR_MULTIPLIER)
    entry = np.int64(pairs[mixed >> np.uint32(12)])
    if entry >> 8 == np.int64(mixed >> np.uint32(4)) & 0xFF:
        bits = max(bits - (entry & 0xFF), 1)
    return bits


@njit(cache=True, nogil=True)
def conditional_bits(single, pairs, ids, out):
    """Fill ``out`` (uint8) with the bits of each of ``ids`` after its predecessor, in 1/16 bit."""
    before = np.uint16(0)
    for i in range(len(ids)):
        out[i] = conditional(single, pairs, before, ids[i])
        before = ids[i]
