"""Masking: placeholders in a document where the reference has words.

A placeholder is a short bracketed label ([NAME], <EMAIL>, {X}, 【姓名】), a run of asterisks, number signs or
underscores (***), of X as a word (XXX), of block characters (■■, ██, ××) or of 某. It counts only in a gap of an
alignment in which the reference has tokens that the document lacks, so that markdown or redactions of other text are
not masking.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LONGEST_LABEL = 40
"""Bytes of a bracketed label, at most."""
LEAST_RUN = 3
"""Asterisks, number signs or underscores that make a placeholder; two of them are markdown."""
OPENING = np.array([ord("["), ord("<"), ord("{")], np.uint8)
CLOSING = np.array([ord("]"), ord(">"), ord("}")], np.uint8)


@njit(cache=True, nogil=True, inline="always")
def is_alnum(b):
    """Whether a byte is an ASCII letter or digit."""
    return (48 <= b <= 57) or (65 <= b <= 90) or (97 <= b <= 122)


@njit(cache=True, nogil=True)
def label_end(buf, i, end):
    """Where the bracketed label that opens at byte ``i`` ends, or ``i`` if none does."""
    stop = min(end, i + LONGEST_LABEL)
    for k in range(len(OPENING)):
        if buf[i] == OPENING[k]:
            for j in range(i + 1, stop):
                if buf[j] == CLOSING[k]:
                    return j + 1 if j > i + 1 else i
            return i
    if i + 3 <= end and buf[i] == 0xE3 and buf[i + 1] == 0x80 and buf[i + 2] == 0x90:  # 【 to 】
        for j in range(i + 3, stop - 2):
            if buf[j] == 0xE3 and buf[j + 1] == 0x80 and buf[j + 2] == 0x91:
                return j + 3
    return i


@njit(cache=True, nogil=True)
def run_end(buf, i, end):
    """Where the run of masking characters that begins at byte ``i`` ends, or ``i`` if it is none or too short."""
    b = buf[i]
    j = i
    if b == ord("*") or b == ord("#") or b == ord("_"):
        while j < end and buf[j] == b:
            j += 1
        return j if j - i >= LEAST_RUN else i
    if b == ord("X") or b == ord("x"):
        while j < end and (buf[j] == ord("X") or buf[j] == ord("x")):
            j += 1
        return j if j - i >= 2 and (j == end or not is_alnum(buf[j])) else i
    while j + 2 < end and buf[j] == 0xE2 and (buf[j + 1] == 0x96 or buf[j + 1] == 0x97):  # U+2580 to U+25FF
        j += 3
    while j + 2 < end and buf[j] == 0xE6 and buf[j + 1] == 0x9F and buf[j + 2] == 0x90:  # 某
        j += 3
    if j == i:
        while j + 1 < end and buf[j] == 0xC3 and buf[j + 1] == 0x97:  # ×
            j += 2
        return j if j - i >= 4 else i
    return j


@njit(cache=True, nogil=True)
def masked_tokens(buf, i, end, missing):
    """How many of a reference's ``missing`` tokens are masked by what stands in the gap ``buf[i:end]`` (uint8).

    All of them where the gap holds placeholders only, else one a placeholder.
    """
    placeholders = 0
    words = 0
    while i < end:
        j = label_end(buf, i, end)
        if j == i:
            j = run_end(buf, i, end)
        if j > i:
            placeholders += 1
            i = j
        elif is_alnum(buf[i]):
            while i < end and is_alnum(buf[i]):
                i += 1
            words += 1
        else:
            # The first byte of any character that is neither ASCII nor punctuation from U+2000 or U+3000 on.
            words += buf[i] >= 0xC4 and not (buf[i] == 0xE2 or buf[i] == 0xE3 or buf[i] == 0xEF)
            i += 1
    if placeholders == 0:
        return 0
    return missing if words == 0 else min(missing, placeholders)
