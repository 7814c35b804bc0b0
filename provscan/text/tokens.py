"""Text to tokens: one pass over UTF-8 bytes that folds, hashes and remembers where each token stood.

A token is a run of letters and digits after folding, or one character of an unsegmented script. Its hash is taken
over the UTF-8 bytes of the folded code points, eight at a time, so that plain ASCII words, which need no table, are
hashed a machine word at a time and give what the table's path gives. Where words begin and end in plain ASCII is read
off bit masks of 64 bytes, as simdjson does for JSON (Langdale and Lemire 2019, VLDB Journal 28:941).

Arithmetic: all hashes are modulo 2**64. ``mix(h, w) = (h ^ w) * M``, rotated by 32 and multiplied by N; after the
last, zero-padded word ``w`` with ``n`` bytes, ``mix(h, w) + n * N`` goes through the 64-bit MurmurHash3 finalizer.
The token id has 16 bits: words get 1 to 0xBFFF, single characters of unsegmented scripts 0xC000 to 0xFFFF, so that an
id tells which it is; 0 stands between references in an index.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from provscan.text.machine import alnum_mask, high_mask, leading_zeros, load64, trailing_zeros

M = np.uint64(0x9E3779B97F4A7C15)
N = np.uint64(0xD6E8FEB86659FD93)
BASIS = np.uint64(0xB2CDE4930257A49A)
CHARACTER = np.uint64(0x17297D8E6669A0BD)
"""Where hashes begin, and what spreads those of single characters: chosen by make_basis.py so that frequent tokens have
ids of their own. The 909 most frequent words of English and the 577 most frequent characters of Chinese do."""
F1 = np.uint64(0xFF51AFD7ED558CCD)
F2 = np.uint64(0xC4CEB9FE1A85EC53)
S32 = np.uint64(32)
S33 = np.uint64(33)
U0 = np.uint64(0)
U1 = np.uint64(1)
U3 = np.uint64(3)
S50 = np.uint64(50)
FIRST_CHARACTER = 0xC000
U_FIRST = np.uint64(FIRST_CHARACTER)
WORD_IDS = np.uint64(FIRST_CHARACTER - 1)
HIGH = np.uint64(0x8080808080808080)
LOW7 = np.uint64(0x7F7F7F7F7F7F7F7F)
CASE = np.uint64(0x2020202020202020)
FROM_A = np.uint64(0x1F1F1F1F1F1F1F1F)  # 0x80 - ord("a") in each byte
PAST_Z = np.uint64(0x0505050505050505)  # 0x80 - ord("z") - 1
FROM_0 = np.uint64(0x5050505050505050)  # 0x80 - ord("0")
PAST_9 = np.uint64(0x4646464646464646)  # 0x80 - ord("9") - 1
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
SINGLE = 1 << 21
CODE_POINT = SINGLE - 1
BLOCK = 64
ROOM = 64
"""Entries beyond the tokens of a text that its arrays need: 64 bytes of ASCII hold 32 words, and no code point folds
to more than 18 characters."""


@njit(cache=True, nogil=True, inline="always")
def mix(h: np.uint64, word: np.uint64) -> np.uint64:
    """One step of the token hash; uint64, modulo 2**64."""
    h = (h ^ word) * M
    return ((h >> S32) | (h << S32)) * N


@njit(cache=True, nogil=True, inline="always")
def finish(h: np.uint64) -> np.uint64:
    """MurmurHash3's 64-bit finalizer."""
    h = (h ^ (h >> S33)) * F1
    h = (h ^ (h >> S33)) * F2
    return h ^ (h >> S33)


@njit(cache=True, nogil=True, inline="always")
def word_id(h: np.uint64) -> np.uint16:
    """Id of a word: the top 32 bits of its hash scaled to 1..0xBFFF."""
    return np.uint16(U1 + ((h >> S32) * WORD_IDS >> S32))


@njit(cache=True, nogil=True, inline="always")
def character_id(h: np.uint64) -> np.uint16:
    """Id of a character that is a token by itself: 0xC000 and the top 14 bits of its hash times `CHARACTER`."""
    return np.uint16(U_FIRST | h * CHARACTER >> S50)


@njit(cache=True, nogil=True, inline="always")
def alnum_bytes(word: np.uint64) -> np.uint64:
    """0x80 in each byte of ``word`` that is an ASCII letter or digit (SIMD within a register)."""
    low = word & LOW7
    letter = low | CASE
    letter = (letter + FROM_A) & ~(letter + PAST_Z)
    digit = (low + FROM_0) & ~(low + PAST_9)
    return (letter | digit) & HIGH & ~word


@njit(cache=True, nogil=True)
def decode(buf, i, end):
    """Code point at byte ``i`` and its length in bytes; (0, 1), a separator, where the bytes are not UTF-8."""
    b = np.int64(buf[i])
    if b < 0x80:
        return b, 1
    if b >= 0xC2 and b < 0xE0 and i + 1 < end:
        n, cp, least = 2, b & 0x1F, 0x80
    elif b >= 0xE0 and b < 0xF0 and i + 2 < end:
        n, cp, least = 3, b & 0x0F, 0x800
    elif b >= 0xF0 and b < 0xF5 and i + 3 < end:
        n, cp, least = 4, b & 0x07, 0x10000
    else:
        return np.int64(0), 1
    for j in range(1, n):
        c = np.int64(buf[i + j])
        if c & 0xC0 != 0x80:
            return np.int64(0), 1
        cp = cp << 6 | c & 0x3F
    if cp < least or cp > 0x10FFFF:
        return np.int64(0), 1
    return cp, n


@njit(cache=True, nogil=True)
def append(h, acc, nbytes, cp):
    """Add the UTF-8 bytes of a folded code point to a token's hash state ``(h, acc, nbytes)``."""
    if cp < 0x80:
        n = 1
        coded = np.uint64(cp)
    elif cp < 0x800:
        n = 2
        coded = np.uint64((0xC0 | cp >> 6) | (0x80 | cp & 0x3F) << 8)
    elif cp < 0x10000:
        n = 3
        coded = np.uint64((0xE0 | cp >> 12) | (0x80 | cp >> 6 & 0x3F) << 8 | (0x80 | cp & 0x3F) << 16)
    else:
        n = 4
        coded = np.uint64(
            (0xF0 | cp >> 18) | (0x80 | cp >> 12 & 0x3F) << 8 | (0x80 | cp >> 6 & 0x3F) << 16 | (0x80 | cp & 0x3F) << 24
        )
    for _ in range(n):
        acc |= (coded & np.uint64(0xFF)) << (np.uint64(nbytes & 7) << U3)
        coded >>= np.uint64(8)
        nbytes += 1
        if nbytes & 7 == 0:
            h = mix(h, acc)
            acc = U0
    return h, acc, nbytes


@njit(cache=True, nogil=True)
def load_tail(buf, i, end):
    """Up to eight bytes from ``i``, zero-padded, without reading past ``end``."""
    word = U0
    for j in range(min(8, end - i)):
        word |= np.uint64(buf[i + j]) << (np.uint64(j) << U3)
    return word


@njit(cache=True, nogil=True, inline="always")
def lowest(n: np.int64) -> np.uint64:
    """The lowest ``n`` bits set, 0 to 64."""
    return ALL >> np.uint64(64 - n) if n > 0 else U0


@njit(cache=True, nogil=True, inline="always")
def hash_ascii(buf, at, length):
    """Hash of the ASCII word of ``length`` letters and digits at ``at``; reads eight bytes from its last eighth on."""
    h = BASIS
    while length >= 8:
        h = mix(h, load64(buf, at) | CASE)
        at += 8
        length -= 8
    return mix(h, (load64(buf, at) | CASE) & lowest(8 * length))


@njit(cache=True, nogil=True)
def ascii_words(buf, i, start, end, ids, starts, ends, count, fingerprint):
    """Tokens of the plain ASCII at ``buf[i:]`` up to the first byte that is not, or to a word that may go on there.

    Returns where it stopped, the number of tokens and the fingerprint. Reads up to 72 bytes from any place.
    """
    limit = len(ids) - ROOM
    while i < end and i + BLOCK + 8 <= len(buf) and count <= limit:
        n = min(end - i, BLOCK)
        stop = trailing_zeros(high_mask(buf, i) | ~lowest(n))
        words = alnum_mask(buf, i) & lowest(stop)
        if stop == 0:
            break
        after = stop
        if words >> np.uint64(stop - 1) and i + stop < end:
            # The last word touches the edge of what is known: it is read again from its start.
            after = stop - leading_zeros(~(words << np.uint64(64 - stop)))
            if after == 0:
                break
            words &= lowest(after)
        while words:
            at = trailing_zeros(words)
            length = trailing_zeros(~(words >> np.uint64(at)))
            h = finish(hash_ascii(buf, i + at, length) + np.uint64(length) * N)
            ids[count] = word_id(h)
            starts[count] = i + at - start
            ends[count] = i + at + length - start
            count += 1
            fingerprint = mix(fingerprint, h)
            words &= words + (U1 << np.uint64(at))
        i += after
    return i, count, fingerprint


@njit(cache=True, nogil=True)
def tokenise(buf, start, end, index, pages, expansions, ids, starts, ends, scripts):
    """Tokens of the text in ``buf[start:end]``.

    Parameters
    ----------
    buf : ndarray of uint8
        UTF-8; bytes that are not are separators.
    start, end : int64
    index, pages, expansions : ndarrays of int32
        A `FoldTable`.
    ids : ndarray of uint16, out
        Token ids. ``(end - start) / 2 + ROOM`` is enough but where characters expand to several tokens.
    starts, ends : ndarrays of uint32, out
        Byte offsets of each token from ``start``.
    scripts : ndarray of int64, out
        Tokens by script (`fold.SCRIPTS`), set to zero first.

    Returns
    -------
    count : int64
        Number of tokens; -1 where the arrays are too small.
    fingerprint : uint64
        Hash of the whole sequence of token hashes.
    """
    # What ends a token stands here four times: as a function of its own it cost 8 % of the speed (measured).
    scripts[:] = 0
    count = np.int64(0)
    fingerprint = BASIS
    h = BASIS
    acc = U0
    nbytes = 0
    opened = start  # where the token being read began; it has bytes if nbytes > 0
    closed = start
    script = 0
    limit = len(ids) - ROOM
    i = start
    while i < end:
        if count > limit:
            return np.int64(-1), U0
        b = buf[i]
        if b < 0x80 and nbytes == 0:
            before = count
            i, count, fingerprint = ascii_words(buf, i, start, end, ids, starts, ends, count, fingerprint)
            scripts[0] += count - before
            if i >= end:
                break
            if count > limit:
                return np.int64(-1), U0
            b = buf[i]
        if b < 0x80:
            word = load64(buf, i) if i + 8 <= end else load_tail(buf, i, end)
            length = trailing_zeros((alnum_bytes(word) ^ HIGH) & HIGH) >> 3  # 8 if all are letters or digits
            if length > 0:
                if nbytes == 0:
                    opened = i
                    script = 0
                i += length
                closed = i
                if nbytes & 7 == 0:
                    folded = (word | CASE) & (ALL >> np.uint64(64 - 8 * length))
                    nbytes += length
                    if length == 8:
                        h = mix(h, folded)
                        continue
                    acc = folded
                else:
                    folded = word | CASE
                    for _ in range(length):
                        h, acc, nbytes = append(h, acc, nbytes, np.int64(folded & np.uint64(0xFF)))
                        folded >>= np.uint64(8)
                    if length == 8:
                        continue
                if i >= end or buf[i] >= 0x80:
                    continue
            if nbytes > 0:
                h = finish(mix(h, acc) + np.uint64(nbytes) * N)
                ids[count] = word_id(h)
                starts[count] = opened - start
                ends[count] = closed - start
                count += 1
                scripts[script] += 1
                fingerprint = mix(fingerprint, h)
                h = BASIS
                acc = U0
                nbytes = 0
            i += 1
            continue
        cp, n = decode(buf, i, end)
        value = pages[(index[cp >> 8] << 8) + (cp & 255)]
        here = i
        i += n
        if value == -1:
            continue
        at = -value - 2
        entries = 1
        if value < -1:
            entries = expansions[at]
        for e in range(entries):
            if value < -1 or entries > 1:
                value = expansions[at + 1 + e]
            if value <= 0 or value & SINGLE:
                if nbytes > 0:
                    h = finish(mix(h, acc) + np.uint64(nbytes) * N)
                    ids[count] = word_id(h)
                    starts[count] = opened - start
                    ends[count] = closed - start
                    count += 1
                    scripts[script] += 1
                    fingerprint = mix(fingerprint, h)
                    h = BASIS
                    acc = U0
                    nbytes = 0
                if value <= 0:
                    continue
            if nbytes == 0:
                opened = here
                script = value >> 22
            closed = i
            h, acc, nbytes = append(h, acc, nbytes, np.int64(value & CODE_POINT))
            if value & SINGLE:
                h = finish(mix(h, acc) + np.uint64(nbytes) * N)
                ids[count] = character_id(h)
                starts[count] = here - start
                ends[count] = i - start
                count += 1
                scripts[script] += 1
                fingerprint = mix(fingerprint, h)
                h = BASIS
                acc = U0
                nbytes = 0
    if nbytes > 0:
        h = finish(mix(h, acc) + np.uint64(nbytes) * N)
        ids[count] = word_id(h)
        starts[count] = opened - start
        ends[count] = closed - start
        count += 1
        scripts[script] += 1
        fingerprint = mix(fingerprint, h)
    return count, finish(fingerprint)
