"""Gapped extension: from the ends of an ungapped core outward, banded dynamic programming that stops at an X-drop.

Smith-Waterman scoring (match: what the token is worth, `weights`; mismatch and gap: fixed costs) restricted to a
band around the core's diagonal and to cells within `DROP` of the best, as gapped BLAST does (Altschul et al. 1997).
The shared tokens come out as blocks: runs of equal tokens on one diagonal.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from provscan.match.extend import DROP, MISMATCH
from provscan.text.information import UNIT

GAP = 7 * UNIT
BAND = 24
WIDTH = 2 * BAND + 1
ROWS = 4096
"""Document tokens that one gapped extension covers at most in each direction; other seeds find the rest."""
NEVER = np.int64(-(1 << 40))
DIAGONAL, UP, LEFT = 1, 2, 3


@njit(cache=True, nogil=True)
def extend_gapped(ids, first, last, tokens, i, j, step, alone, linked, row, trace, out):
    """Extend from document token ``i`` and stream token ``j`` on, both included, in direction ``step``.

    Parameters
    ----------
    ids, first, last, tokens
        As for `extend.extend`.
    alone, linked : ndarrays of uint8
        What tokens are worth (`weights.weigh`), indexed as ids.
    step : int64
        1 to the right, -1 to the left.
    row : ndarray of int64, shape (2, WIDTH + 2)
        Scratch: two rows of scores.
    trace : ndarray of uint8, shape (ROWS + 1, WIDTH)
        Scratch.
    out : ndarray of int32, shape (ROWS, 2)
        Matched pairs (index in ids, index in tokens), from the far end back to ``i, j``.

    Returns
    -------
    score, n_out : int64
        Score in 1/16 bit of the best extension (0 for none) and the number of matched pairs.
    """
    rows = min((last - i) if step > 0 else (i - first + 1), ROWS)
    best = np.int64(0)
    best_a = 0
    best_c = BAND
    # row[r & 1, c + 1] is the best score after a document tokens and b = a + c - BAND stream tokens; only columns
    # from low to high - 1 hold scores within the X-drop, and their neighbours hold NEVER.
    low = BAND
    high = BAND
    row[0, BAND] = NEVER
    while high < WIDTH and -GAP * (high - BAND) >= -DROP:
        row[0, high + 1] = -GAP * (high - BAND)
        trace[0, high] = LEFT
        high += 1
    row[0, high + 1] = NEVER
    columns = 0  # stream tokens known to be inside the reference, in this direction
    ended = False
    for a in range(1, rows + 1):
        now = a & 1
        d = i + step * (a - 1)
        # Column c is reached from c (diagonal) and c + 1 (up) of the row before, and from c - 1 (left) of this one.
        c = max(low - 1, BAND - a, 0)
        row[now, c] = NEVER
        new_low = WIDTH
        new_high = 0
        row[1 - now, high + 1] = NEVER
        while c < WIDTH:
            b = a + c - BAND
            while columns < b and not ended:
                if tokens[j + step * columns] == 0:
                    ended = True
                else:
                    columns += 1
            if b > columns:
                break
            score = NEVER
            move = DIAGONAL
            if b > 0 and low <= c < high:
                r = j + step * (b - 1)
                score = row[1 - now, c + 1]
                if ids[d] == tokens[r]:
                    before = d - 1
                    same = before >= first and ids[before] == tokens[r - 1]
                    score += np.int64(linked[d]) if same else np.int64(alone[d])
                else:
                    score -= MISMATCH
            if low <= c + 1 < high and row[1 - now, c + 2] - GAP > score:
                score = row[1 - now, c + 2] - GAP
                move = UP
            if row[now, c] - GAP > score:
                score = row[now, c] - GAP
                move = LEFT
            trace[a, c] = move
            if score < best - DROP:
                score = NEVER
                if c >= high:
                    row[now, c + 1] = NEVER
                    break
            else:
                new_low = min(new_low, c)
                new_high = c + 1
                if score > best:
                    best = score
                    best_a = a
                    best_c = c
            row[now, c + 1] = score
            c += 1
        if new_high == 0:
            break
        low = new_low
        high = new_high
    n = 0
    a = best_a
    c = best_c
    while best > 0 and (a > 0 or c > BAND):
        move = trace[a, c]
        if move == DIAGONAL:
            d = i + step * (a - 1)
            r = j + step * (a + c - BAND - 1)
            if ids[d] == tokens[r]:
                out[n, 0] = d
                out[n, 1] = r
                n += 1
            a -= 1
        elif move == UP:
            a -= 1
            c += 1
        else:
            c -= 1
    return best, n
