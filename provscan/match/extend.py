"""Ungapped extension of a seed along its diagonal, as in BLAST (Altschul et al. 1990), applied to words.

A shared token scores its information, a mismatch costs `MISMATCH`, and extension stops `DROP` under its best.
All scores here are in 1/16 bit.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from provscan.text.information import UNIT

MISMATCH = 6 * UNIT
DROP = 30 * UNIT


@njit(cache=True, nogil=True)
def extend(ids, first, last, tokens, i, j, single):
    """Best ungapped alignment through document token ``i`` and stream token ``j``.

    Parameters
    ----------
    ids : ndarray of uint16
        Tokens of the documents; this document's are ``ids[first:last]``.
    tokens : ndarray of uint16
        The index's stream, with 0 before, between and after references.
    i, j : int64
        Where the seed starts in ``ids`` and ``tokens``.
    single : ndarray of uint8

    Returns
    -------
    score, begin, stop : int64
        Score in 1/16 bit and the range of document tokens.
    """
    score = np.int64(0)
    right = np.int64(0)
    stop = i
    k = i
    while k < last:
        t = tokens[j + k - i]
        if t == 0:
            break
        score += np.int64(single[t]) if ids[k] == t else -MISMATCH
        k += 1
        if score > right:
            right = score
            stop = k
        elif score < right - DROP:
            break
    score = 0
    left = np.int64(0)
    begin = i
    k = i - 1
    while k >= first:
        t = tokens[j + k - i]
        if t == 0:
            break
        score += np.int64(single[t]) if ids[k] == t else -MISMATCH
        if score > left:
            left = score
            begin = k
        elif score < left - DROP:
            break
        k -= 1
    return left + right, begin, stop


@njit(cache=True, nogil=True)
def rescore(ids, begin, stop, tokens, shift, alone, linked):
    """Best part of an ungapped alignment by what its tokens are worth (`weights.weigh`).

    The alignment pairs ``ids[k]`` with ``tokens[k + shift]`` for ``begin <= k < stop``. Returns score, begin and stop
    of its best-scoring part (Kadane's algorithm).
    """
    best = np.int64(0)
    best_begin = begin
    best_stop = begin
    score = np.int64(0)
    start = begin
    for k in range(begin, stop):
        if ids[k] != tokens[k + shift]:
            score -= MISMATCH
            continue
        worth = np.int64(alone[k])
        same = k > start and ids[k - 1] == tokens[k + shift - 1]
        score += np.int64(linked[k]) if same else worth
        if score <= worth:  # what is before brings less than it takes off this token: begin here
            score = worth
            start = k
        if score > best:
            best = score
            best_begin = start
            best_stop = k + 1
    return best, best_begin, best_stop
