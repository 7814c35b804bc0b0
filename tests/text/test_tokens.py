"""The token kernel against its twin: ids, byte ranges, scripts and fingerprint, exactly."""

from __future__ import annotations

import random
from itertools import pairwise

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provscan.text.fold import SCRIPTS, load_fold
from provscan.text.tokens import ROOM, alnum_bytes, append, decode, finish, load_tail, mix, tokenise

FOLD = [array.tolist() for array in load_fold()]
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

TEXTS: dict[str, bytes] = {
    "empty": b"",
    "one letter": b"x",
    "one token": b"token",
    "one separator": b" ",
    "only separators": b" .,;\t\r\n--  \x00\x7f",
    "only wide separators": "\u3000\u2028\u0085\u3002\uff01\u2014".encode(),
    "only dropped": "\u200b\u0301\u00ad\ufeff".encode(),
    "nul bytes": b"a\x00b\x00\x00c\x00",
    "apostrophes and hyphens": b"don't re-use it's 3.14 a_b",
    "neighbours of letters": b"@AZ[`az{/09:",
    "combining mark first": "\u0301abc".encode(),
    "combining mark last": "abc\u0301".encode(),
    "combining marks inside": "e\u0301\u0302a\u0327b cafe\u0301 next".encode(),
    "zero width inside": "wa\u200bter\u200d \u2060mel\u00adon".encode(),
    "zero width between": "water \u200b melon\u200b".encode(),
    "accents": "Ünïcödé naïve Straße ŁÓDŹ".encode(),
    "homoglyphs": "раураl microsоft ѕсоре".encode(),
    "full width": "ＦＵＬＬ　ｗｉｄｔｈ　１２３４５".encode(),
    "half width kana": "ﾊﾝｶｸ ｶﾞ".encode(),
    "squared company": "㍿".encode(),
    "arabic ligature": "ﷺ".encode(),
    "ligatures in words": "aﷺb ﬁnd oﬀer ﬃ x½y ⅛ ㎏ № ™".encode(),
    "squared company in a word": "ab㍿cd".encode(),
    "expansion after separator": "⑴a(⑵)".encode(),
    "mixed scripts": "GPT模型はвесёлый한국어ภาษาไทยعربيहिन्दीἑλληνικάעברית".encode(),
    "han and digits": "2023年12月31日 版本v2.0".encode(),
    "han": "我们认为，这是不言而喻的。".encode(),
    "kana": "ひらがなカタカナー々".encode(),
    "hangul and jamo": "한국어 \u1112\u1161\u11ab".encode(),
    "indian digits": "१२३ ٣٤٥ ၁၂".encode(),
    "astral": "a😀b 𝒜𝓁𝓅𝒽𝒶 𠀀𠀁 𐐀𐐨 🅰".encode(),
    "private and unassigned": "a\ue000b\U000e0fffc\U0010ffffd".encode(),
    "byte order mark": "\ufeffstart".encode(),
    "truncated in two": b"ab\xc3",
    "truncated in three": b"ab\xe4\xb8",
    "truncated in four": b"ab\xf0\x9f\x98",
    "truncated before a letter": b"\xe4\xb8cd\xf0\x9fe\xc3f",
    "overlong": b"a\xc0\xafb\xc1\xbfc\xe0\x80\xafd\xe0\x9f\xbfe\xf0\x80\x80\xaff\xf0\x8f\xbf\xbfg",
    "surrogates": b"a\xed\xa0\x80b\xed\xbf\xbfc\xed\xa0\xbd\xed\xb8\x80d",
    "stray continuation": b"a\x80b\xbf\xbfc",
    "beyond unicode": b"a\xf4\x90\x80\x80b\xf5\x80\x80\x80c\xf8\x88\x80\x80\x80d",
    "ff": b"a\xffb\xfe\xffc",
    "bad byte inside a word": b"water\xffmelon",
    "long word": (LETTERS * 162)[:10_000].encode(),
    "long wide word": "é".encode() * 2_000,
}
TEXTS |= {f"word of {n}": LETTERS[:n].encode() for n in (7, 8, 9, 15, 16, 17, 64)}
TEXTS |= {f"two words of {n}": f"{LETTERS[:n]} {LETTERS[-n:]}".encode() for n in (7, 8, 9, 15, 16, 17, 64)}
TEXTS |= {f"accented at {n}": f"{LETTERS[:n]}é{LETTERS[:9]}".encode() for n in range(9)}
TEXTS |= {f"separator at {n}": f"{LETTERS[:n]} {LETTERS[n:16]}".encode() for n in range(17)}

PIECES = [
    *"abyzAZ019 .'-@[`{\x00\n",
    *("word", "Another", "eightlet", "12345678", "   "),
    *"éßŁаоеһ我们年。はカー한ะाﷺ㍿½ﬁⅷ５Ａ　\u200b\u200d\u00ad\u0301\u0327\ufeff\u2028😀𠀀𝒜",
]
BAD_PIECES = [b"\x80", b"\xbf", b"\xc0", b"\xc3", b"\xe4\xb8", b"\xed\xa0\x80", b"\xf0\x9f", b"\xf5", b"\xff"]
mixed_texts = st.lists(st.sampled_from([p.encode() for p in PIECES] + BAD_PIECES), max_size=60).map(b"".join)


def comp_tokenise(text: bytes, before: bytes = b"", after: bytes = b"") -> tuple[list[tuple[int, ...]], list[int], int]:
    """What the kernel makes of ``text`` where other bytes stand around it."""
    buf = np.frombuffer(before + text + after, np.uint8)
    scripts = np.full(len(SCRIPTS), -1, np.int64)
    room = len(text) // 2 + ROOM
    while True:
        ids, starts, ends = np.empty(room, np.uint16), np.empty(room, np.uint32), np.empty(room, np.uint32)
        n, fingerprint = tokenise(buf, len(before), len(before) + len(text), *load_fold(), ids, starts, ends, scripts)
        if n >= 0:
            rows = zip(ids[:n].tolist(), starts[:n].tolist(), ends[:n].tolist(), strict=True)
            return list(rows), scripts.tolist(), int(fingerprint)
        room *= 2


def ref_tokenise(text: bytes) -> tuple[list[tuple[int, ...]], list[int], int]:
    tokens, scripts, fingerprint = naive.tokenise(text, *FOLD, len(SCRIPTS))
    return [(t.id, t.start, t.end) for t in tokens], scripts, fingerprint


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_tokenise_equals_twin(text: bytes) -> None:
    assert comp_tokenise(text) == ref_tokenise(text)


@pytest.mark.parametrize(
    "around", [b"q", b"7777777", b"\x80\x80\x80", b"\xe4\xb8\xad\xe6", b"z" * 17, b"Z" * 99, b" " * 99]
)
@pytest.mark.parametrize("name", [n for n in TEXTS if not n.startswith("long")])
def test_tokenise_sees_nothing_outside_its_text(name: str, around: bytes) -> None:
    """Letters before and after would join the words, continuation bytes would complete what is truncated."""
    assert comp_tokenise(TEXTS[name], around, around[::-1]) == ref_tokenise(TEXTS[name])


@pytest.mark.parametrize("shift", range(8))
@pytest.mark.parametrize("length", range(18))
def test_tokenise_every_alignment(shift: int, length: int) -> None:
    text = b"a bcdef ghijklmno"[:length]
    assert comp_tokenise(text, b"." * shift) == ref_tokenise(text)
    assert comp_tokenise(text, b"." * shift, b"tail of another text") == ref_tokenise(text)


@pytest.mark.parametrize("tail", [b"", b" ", b"x" * 80, b"." * 80, "é".encode() * 40], ids=["none", "1", "x", ".", "é"])
@pytest.mark.parametrize("edge", [0, 1, 7, 8, 9, 55, 56, 57, 62, 63, 64, 65, 71, 72, 73, 127, 128, 129])
def test_tokenise_words_over_every_edge(edge: int, tail: bytes) -> None:
    """Words, accented letters and separators that end about the edge of 8 or 64 bytes, in texts that end there too."""
    long = (LETTERS * 3).encode()
    for length in (1, 2, 8, 9, 63, 64, 65, 72, 130):
        begin = max(0, edge - length)
        for filler in (b"a " * 70, b" ab" * 50, b"." * 140):
            for middle in (long[:length], long[: length - 1] + "é".encode(), long[:length] + " — ".encode()):
                text = filler[:begin] + middle
                assert comp_tokenise(text, after=tail) == ref_tokenise(text)
                assert comp_tokenise(text + tail) == ref_tokenise(text + tail)


@given(mixed_texts, st.integers(0, 1))
def test_tokenise_any_pieces(text: bytes, padded: int) -> None:
    assert comp_tokenise(text, after=b"x" * 100 * padded) == ref_tokenise(text)


@given(
    st.lists(st.text("aZ9", max_size=70).map(str.encode) | st.sampled_from(BAD_PIECES), max_size=12), st.integers(0, 1)
)
def test_tokenise_any_long_words(pieces: list[bytes], padded: int) -> None:
    for separator in (b"", b" ", b"\xe2\x80\x8b"):
        text = separator.join(pieces)
        assert comp_tokenise(text, after=b"9" * 100 * padded) == ref_tokenise(text)


@given(st.text(max_size=60))
def test_tokenise_any_text(text: str) -> None:
    data = text.encode("utf-8")
    assert comp_tokenise(data) == ref_tokenise(data)


@given(st.binary(max_size=80), st.binary(max_size=9), st.binary(max_size=9))
def test_tokenise_any_bytes(text: bytes, before: bytes, after: bytes) -> None:
    assert comp_tokenise(text, before, after) == ref_tokenise(text)


def test_tokenise_one_code_point_of_every_page() -> None:
    rng = random.Random(3)
    points = [page * 256 + rng.randrange(256) for page in range(0x1100)]
    text = "".join(f"a{chr(p)}" for p in points if not 0xD800 <= p <= 0xDFFF)[:2_500].encode("utf-8")
    assert comp_tokenise(text) == ref_tokenise(text)


@pytest.mark.compiled
def test_tokenise_every_code_point() -> None:
    text = "".join(f"{chr(p)}k" for p in range(0x110000) if not 0xD800 <= p <= 0xDFFF).encode("utf-8")
    assert comp_tokenise(text) == ref_tokenise(text)


@given(mixed_texts)
def test_tokenise_ranges_are_ordered_and_inside(text: bytes) -> None:
    rows, scripts, _ = comp_tokenise(text)
    assert sum(scripts) == len(rows)
    assert all(0 <= start < end <= len(text) for _, start, end in rows)
    # Not disjoint: where a character becomes several tokens, each has the whole of it.
    for (_, start, end), (_, next_start, next_end) in pairwise(rows):
        assert start <= next_start and end <= next_end


@given(st.lists(st.text("abzAZ09éñ我жЖ", min_size=1, max_size=20), max_size=8))
def test_tokenise_range_of_a_word_gives_the_word(words: list[str]) -> None:
    text = " ".join(words).encode("utf-8")
    for token, start, end in comp_tokenise(text)[0]:
        assert [row[0] for row in comp_tokenise(text[start:end])[0]] == [token]


def test_tokenise_ids_tell_words_from_characters() -> None:
    words = [row[0] for row in comp_tokenise(" ".join(map(str, range(500))).encode())[0]]
    characters = [row[0] for row in comp_tokenise("".join(map(chr, range(0x4E00, 0x4E00 + 500))).encode())[0]]
    assert len(words) == len(characters) == 500
    assert all(1 <= token < naive.FIRST_CHARACTER for token in words)
    assert all(naive.FIRST_CHARACTER <= token < 65536 for token in characters)


@pytest.mark.parametrize("room", [0, 1, ROOM - 1, ROOM, ROOM + 3])
def test_tokenise_small_arrays_are_refused_and_kept_to(room: int) -> None:
    """Count -1, and no byte written beyond the arrays, whatever the last character expands to."""
    for tail in ("a b " * 60, "a " * 30 + "ﷺ" * 9, "ﷺ" * 25, "㍿" * 25, "年" * 80):
        buf = np.frombuffer(tail.encode(), np.uint8)
        ids = np.full(room + 80, 0xABCD, np.uint16)
        starts, ends = np.full(room + 80, 77, np.uint32), np.full(room + 80, 77, np.uint32)
        scripts = np.zeros(len(SCRIPTS), np.int64)
        n, _ = tokenise(buf, 0, len(buf), *load_fold(), ids[:room], starts[:room], ends[:room], scripts)
        assert n == -1
        assert (ids[room:] == 0xABCD).all() and (starts[room:] == 77).all() and (ends[room:] == 77).all()


def test_tokenise_room_holds_the_longest_expansion() -> None:
    """A word that a character ends, and all that the character becomes, fit what is left at the limit."""
    for cp in range(0x110000):
        values = [] if 0xD800 <= cp <= 0xDFFF else naive.values_of(cp, *FOLD)
        if len(values) > 9:
            assert 1 + len(values) <= ROOM
            assert len(comp_tokenise(f"a{chr(cp)}".encode())[0]) <= ROOM


@pytest.mark.parametrize(
    "text", [t for n, t in TEXTS.items() if not ("squared" in n or "arabic lig" in n)], ids=lambda t: repr(t[:12])
)
def test_tokenise_half_a_token_a_byte_is_enough(text: bytes) -> None:
    room = len(text) // 2 + ROOM
    arrays = np.empty(room, np.uint16), np.empty(room, np.uint32), np.empty(room, np.uint32)
    scripts = np.zeros(len(SCRIPTS), np.int64)
    n, _ = tokenise(np.frombuffer(text, np.uint8), 0, len(text), *load_fold(), *arrays, scripts)
    assert n == len(ref_tokenise(text)[0])


def test_tokenise_words_of_eight_are_not_words_of_seven_and_nothing() -> None:
    """Length enters the hash: zero padding does not make NUL-free words of other lengths equal."""
    hashes = {naive.token_hash(LETTERS[:n].encode()) for n in range(1, 40)}
    assert len(hashes) == 39
    assert len({comp_tokenise(LETTERS[:n].encode())[2] for n in range(40)}) == 40


# Pinned: an index holds these, so whoever changes them must raise parameters.ALGORITHM_VERSION.
PINNED: dict[str, tuple[list[int], int]] = {
    "": ([], 2293417185582789623),
    "hello": ([19677], 5112995358465365205),
    "internationalization": ([45323], 16314323161156197523),
    "我们": ([61468, 54772], 3197094128984244212),
    "We hold these truths": ([5521, 49, 31904, 4130], 1918289191588519116),
}


@pytest.mark.parametrize("text", PINNED)
def test_tokenise_pinned(text: str) -> None:
    rows, _, fingerprint = comp_tokenise(text.encode())
    assert ([row[0] for row in rows], fingerprint) == PINNED[text]


def test_alnum_bytes_every_byte_in_every_place() -> None:
    rng = random.Random(1)
    for byte in range(256):
        for place in range(8):
            data = bytearray(rng.randrange(256) for _ in range(8))
            data[place] = byte
            found = int(alnum_bytes(np.uint64(int.from_bytes(data, "little"))))
            ref = sum(0x80 << 8 * k for k, b in enumerate(data) if chr(b).isascii() and chr(b).isalnum())
            assert found == ref


def test_decode_equals_twin() -> None:
    rng = random.Random(2)
    heads = [
        *range(0x7E, 0x83),
        0xBF,
        *range(0xC0, 0xC4),
        0xDF,
        *range(0xE0, 0xE2),
        0xED,
        0xEF,
        *range(0xF0, 0xF7),
        0xFF,
    ]
    edges = [0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
    for head in heads:
        for _ in range(60):
            data = bytes([head, *rng.choices(edges, k=rng.randrange(4))])
            buf = np.frombuffer(data + b"\x80\x80\x80", np.uint8)
            cp, n = decode(buf, 0, len(data))
            if 0xD800 <= cp <= 0xDFFF:  # a separator either way
                assert n == 3 and naive.values_of(int(cp), *FOLD) == [0]
            else:
                assert (int(cp), int(n)) == naive.decode(data, 0)


@given(st.lists(st.integers(0, 0x10FFFF).filter(lambda p: not 0xD800 <= p <= 0xDFFF), max_size=12))
def test_append_equals_twin(points: list[int]) -> None:
    h, acc, nbytes = np.uint64(naive.BASIS), np.uint64(0), 0
    for point in points:
        h, acc, nbytes = append(np.uint64(h), np.uint64(acc), nbytes, np.int64(point))
    folded = "".join(map(chr, points)).encode("utf-8")
    assert nbytes == len(folded)
    last = naive.mix(int(h), int(acc))
    assert naive.finish((last + nbytes * naive.N) & naive.MASK64) == naive.token_hash(folded)


@given(st.integers(0, naive.MASK64), st.integers(0, naive.MASK64))
def test_mix_and_finish_equal_twins(h: int, word: int) -> None:
    assert int(mix(np.uint64(h), np.uint64(word))) == naive.mix(h, word)
    assert int(finish(np.uint64(h))) == naive.finish(h)


@pytest.mark.parametrize("end", range(12))
def test_load_tail_stops_at_end(end: int) -> None:
    data = bytes(range(1, 21))
    for i in range(end + 1):
        assert int(load_tail(np.frombuffer(data, np.uint8), i, end)) == int.from_bytes(
            data[i : min(end, i + 8)], "little"
        )
