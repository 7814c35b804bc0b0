"""Where each token of a reference starts in its text, in half a byte a token.

A token's entry is its start minus that of the token before it (the first: minus 0), in Unicode code points; 15 stands
for anything above 14, which then stands in a short sorted list of exceptions. The 0 that ends a reference has the
distance from its last token's start to the end of its text.
"""

from __future__ import annotations

import numpy as np
from numba import njit

ESCAPE = 15


@njit(cache=True, nogil=True)
def code_points_before(buf, begin, byte, known_byte, known):
    """Code points in ``buf[begin:begin + byte]``, given that ``known`` are in the first ``known_byte`` bytes."""
    for k in range(begin + known_byte, begin + byte):
        known += (buf[k] & 0xC0) != 0x80
    return known


@njit(cache=True, nogil=True)
def pack_starts(buf, text_offsets, starts, token_offsets, packed, exceptions):
    """Write the entries of a batch of references and of the 0 after each.

    Parameters
    ----------
    buf : ndarray of uint8
    text_offsets : ndarray of int32 or int64, shape (references + 1,)
        Of the texts in ``buf``.
    starts : ndarray of uint32
        Byte offsets of the tokens from their text's beginning.
    token_offsets : ndarray of int64, shape (references + 1,)
    packed : ndarray of uint8, out, zeroed
        Two entries a byte, the even one in the low half.
    exceptions : ndarray of int64, shape (tokens + references, 2), out
        Number of the entry and its value.

    Returns
    -------
    count : int64
        Number of exceptions.
    """
    count = 0
    at = 0
    for r in range(len(token_offsets) - 1):
        begin = np.int64(text_offsets[r])
        size = np.int64(text_offsets[r + 1]) - begin
        byte = np.int64(0)
        points = np.int64(0)
        before = np.int64(0)
        for t in range(token_offsets[r], token_offsets[r + 1] + 1):
            to = np.int64(starts[t]) if t < token_offsets[r + 1] else size
            points = code_points_before(buf, begin, to, byte, points)
            byte = to
            delta = points - before
            before = points
            if delta >= ESCAPE:
                exceptions[count, 0] = at
                exceptions[count, 1] = delta
                count += 1
                delta = np.int64(ESCAPE)
            packed[at >> 1] |= np.uint8(delta << (4 * (at & 1)))
            at += 1
    return count


@njit(cache=True, nogil=True)
def unpack_starts(packed, exceptions, first, last, out):
    """Starts in code points of the stream's tokens ``first`` to ``last`` into ``out`` (int32).

    They must begin a reference; if its 0 is among them, its value is the length of the text.
    """
    low, high = np.int64(0), np.int64(len(exceptions))
    while low < high:
        middle = (low + high) // 2
        if np.int64(exceptions[middle, 0]) < first:
            low = middle + 1
        else:
            high = middle
    total = np.int64(0)
    for t in range(first, last):
        delta = np.int64(packed[t >> 1]) >> (4 * (t & 1)) & 15
        if delta == ESCAPE:
            delta = np.int64(exceptions[low, 1])
            low += 1
        total += delta
        out[t - first] = total
