"""Starts of tokens in half a byte: what is packed comes back, and is what Python counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import code_point_starts

from provscan.index.positions import ESCAPE, code_points_before, pack_starts, unpack_starts
from provscan.text.tokenizer import Tokenizer

ALPHABET = "ab Z9 .-\n\u200b\u200d\u00ad\u0301éßﬁ㍿ﷺ中文あ한ไทย\U0001f600\U00020000\u202eｗ１①"
texts_of_all_kinds = st.lists(st.text(st.sampled_from(ALPHABET), max_size=60) | st.text(max_size=30), max_size=6)
TOKENIZER = Tokenizer()


def packed_of(texts: list[str], before: bytes = b"") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Packed starts, exceptions and token offsets of texts that stand one after the other behind ``before``."""
    data = [text.encode() for text in texts]
    buf = np.frombuffer(before + b"".join(data) + b" after", np.uint8)
    offsets = np.cumsum([len(before), *map(len, data)])
    starts = [TOKENIZER(text).starts for text in texts]
    token_offsets = np.concatenate([[0], np.cumsum([len(s) for s in starts])]).astype(np.int64)
    total = int(token_offsets[-1]) + len(texts)
    packed = np.zeros((total + 1) // 2, np.uint8)
    exceptions = np.empty((total, 2), np.int64)
    joined = np.concatenate([np.empty(0, np.uint32), *starts]).astype(np.uint32)
    count = pack_starts(buf, offsets, joined, token_offsets, packed, exceptions)
    return packed, exceptions[:count].astype(np.uint32), token_offsets


def check(texts: list[str], before: bytes = b"") -> None:
    packed, exceptions, token_offsets = packed_of(texts, before)
    for k, text in enumerate(texts):
        first, last = int(token_offsets[k]) + k, int(token_offsets[k + 1]) + k + 1
        out = np.full(last - first + 1, -7, np.int32)
        unpack_starts(packed, exceptions, first, last, out)
        assert out.tolist() == [*code_point_starts(text), len(text), -7]


@given(texts_of_all_kinds)
def test_unpack_starts_gives_what_python_counts(texts: list[str]) -> None:
    check(texts)


@given(texts_of_all_kinds, st.binary(max_size=3))
def test_pack_starts_of_a_slice(texts: list[str], before: bytes) -> None:
    check(texts, before)


@pytest.mark.parametrize("gap", [1, ESCAPE - 2, ESCAPE - 1, ESCAPE, ESCAPE + 1, 300, 70_000])
@pytest.mark.parametrize("filler", [".", "\u2014", "\U0001f600", "\u200b"])
def test_pack_starts_distances_about_the_escape(gap: int, filler: str) -> None:
    """Words stay one across a zero-width filler, so the last word begins where the first did there."""
    check([filler * gap + "a" + filler * gap + "b", "c", "", filler * gap, "d" + filler * gap])


def test_pack_starts_long_words_and_many_exceptions() -> None:
    check(["w" * 5000 + " x " + "漢" * 50, ("word" * 9 + " ") * 400, "\U0001f600" * 40 + "end"])


def test_pack_starts_layout() -> None:
    """Half a byte a token, the even one low, 15 for what stands in the list; the ending 0 has the rest of the text."""
    packed, exceptions, _ = packed_of(["one, " + "." * 20 + "two", "three"])
    assert [int(b) for b in packed] == [0x0 | 15 << 4, 0x3 | 0 << 4, 5]
    assert exceptions.tolist() == [[1, 25]]


@given(st.text(max_size=50), st.integers(0, 50), st.integers(0, 50))
def test_code_points_before(text: str, one: int, other: int) -> None:
    known, wanted = sorted((min(one, len(text)), min(other, len(text))))
    data = ("é" + text).encode()
    sizes = [len(text[:k].encode()) for k in (known, wanted)]
    buf = np.frombuffer(data, np.uint8)
    assert code_points_before(buf, 2, sizes[1], sizes[0], known) == wanted
