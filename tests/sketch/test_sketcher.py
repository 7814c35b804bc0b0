"""The sketcher: what twins make of each text, however the texts are cut into chunks."""

from __future__ import annotations

import random
from typing import NamedTuple

import naive
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provscan.sketch import sketcher as module
from provscan.sketch.sketcher import Sketcher, text_buffers
from provscan.text.fold import SCRIPTS, load_fold
from provscan.text.information import load_information

FOLD = [array.tolist() for array in load_fold()]
SINGLE = load_information().single.tolist()
LEAST = 24 * 16
LIMITS = naive.MASK64 // 2, naive.MASK64 // 4
TYPES = [pa.string(), pa.large_string()]

TEXTS = [
    "",
    "one",
    " ,.;! ",
    "We hold these truths to be self-evident, that all men are created equal",
    "我们认为下面这些真理是不言而喻的：人人生而平等，造物者赋予他们若干不可剥夺的权利",
    "",
    "Straße ﷺ ㍿ ½ ﬁnd 😀 𝒜𝓁𝓅𝒽𝒶 wa\u200bter",
    "nul\x00bytes\x00 and \ufeff marks\u0301",
    "x",
]


class Sketch(NamedTuple):
    """All that is known of a text, in Python's own types; seeds as (hash, index of the first token)."""

    tokens: list[tuple[int, int, int]]
    fingerprint: int
    scripts: list[int]
    bits: int
    seeds: list[tuple[int, int]]


def comp_sketches(texts: pa.Array, sketcher: Sketcher | None = None) -> tuple[list[Sketch], list[tuple[int, int]]]:
    """The sketch of each text, and the chunks' ranges."""
    sketcher = sketcher or Sketcher(LEAST, (np.uint64(LIMITS[0]), np.uint64(LIMITS[1])))
    out: list[Sketch] = []
    ranges = []
    for chunk in sketcher.chunks(texts):
        ranges.append((chunk.first, chunk.last))
        bounds = chunk.token_offsets.tolist()
        assert len(bounds) == len(chunk.offsets) == chunk.last - chunk.first + 1
        assert len(chunk.ids) == len(chunk.starts) == len(chunk.ends) == bounds[-1]
        seeds: list[list[tuple[int, int]]] = [[] for _ in bounds[1:]]
        found = zip(chunk.seed_docs.tolist(), chunk.seed_hashes.tolist(), chunk.seed_positions.tolist(), strict=True)
        for d, h, position in found:
            seeds[d].append((h, position - bounds[d]))
        assert chunk.seed_docs.tolist() == sorted(chunk.seed_docs.tolist())
        tokens = list(zip(chunk.ids.tolist(), chunk.starts.tolist(), chunk.ends.tolist(), strict=True))
        for d in range(chunk.last - chunk.first):
            facts = int(chunk.fingerprints[d]), chunk.scripts[d].tolist(), int(chunk.bits[d])
            out.append(Sketch(tokens[bounds[d] : bounds[d + 1]], *facts, seeds[d]))
    return out, ranges


def ref_sketch(text: str | bytes) -> Sketch:
    data = text.encode("utf-8") if isinstance(text, str) else text
    tokens, scripts, fingerprint = naive.tokenise(data, *FOLD, len(SCRIPTS))
    seeds, bits = naive.find_seeds([t.id for t in tokens], SINGLE, LEAST, *LIMITS)
    return Sketch([(t.id, t.start, t.end) for t in tokens], fingerprint, scripts, bits, seeds)


def random_texts(rng: random.Random, count: int, words: int) -> list[str]:
    pool = ["river", "stone", "the", "of", "Łódź", "我们", "经济", "internationalization", "42", "—", "ﬁ", "naïve"]
    return [" ".join(rng.choices(pool, k=rng.randrange(words))) for _ in range(count)]


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_chunks_equal_twins(kind: pa.DataType) -> None:
    found, ranges = comp_sketches(pa.array(TEXTS, kind))
    assert found == [ref_sketch(text) for text in TEXTS]
    assert ranges == [(0, len(TEXTS))]


@given(st.lists(st.text("abc XYZ我们é\u200bﷺ,1", max_size=30), max_size=8), st.sampled_from(TYPES))
def test_chunks_any_texts(texts: list[str], kind: pa.DataType) -> None:
    assert comp_sketches(pa.array(texts, kind))[0] == [ref_sketch(text) for text in texts]


@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("first", range(len(TEXTS) + 1))
def test_chunks_of_a_slice(kind: pa.DataType, first: int) -> None:
    array = pa.array(TEXTS, kind)
    for count in (0, 1, 3, len(TEXTS)):
        assert comp_sketches(array.slice(first, count))[0] == [ref_sketch(t) for t in TEXTS[first : first + count]]


@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("texts", [[], [""], ["", "", ""]])
def test_chunks_of_nothing(kind: pa.DataType, texts: list[str]) -> None:
    assert comp_sketches(pa.array(texts, kind))[0] == [ref_sketch("")] * len(texts)


def test_chunks_of_invalid_utf8() -> None:
    """Arrow does not check; what one text breaks off, the next does not complete."""
    pieces = [b"ab\xe4\xb8", b"\xadcd", b"\xed\xa0\x80x", b"\xff", b"\xc0\xafz\xf0\x9f"]
    offsets = np.cumsum([0, *map(len, pieces)]).astype(np.int32)
    array = pa.Array.from_buffers(pa.string(), 5, [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(pieces))])
    assert comp_sketches(array)[0] == [ref_sketch(piece) for piece in pieces]


@pytest.mark.parametrize("size", [1, 40, 1000])
def test_chunks_of_any_size_give_the_same(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    texts = random_texts(random.Random(9), 60, 30)
    whole, ranges = comp_sketches(pa.array(texts))
    assert ranges == [(0, 60)]
    monkeypatch.setattr(module, "CHUNK_BYTES", size)
    parts, ranges = comp_sketches(pa.array(texts))
    assert parts == whole
    assert len(ranges) > 3
    assert [first for first, _ in ranges] == [0, *(last for _, last in ranges[:-1])]


def test_chunks_of_more_texts_than_a_chunk_holds() -> None:
    words = ["", "a", "bc", "我"]
    texts = [words[k % 7 % 4] for k in range(9000)]
    found, ranges = comp_sketches(pa.array(texts))
    ref = {word: ref_sketch(word) for word in words}
    assert found == [ref[text] for text in texts]
    assert len(ranges) > 1


@pytest.mark.parametrize("text", ["ﷺ" * 400, "a " * 1500, "我" * 1500], ids=["expansions", "letters", "han"])
def test_chunks_of_a_text_larger_than_the_slab(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 16)
    texts = ["before it", text, "after it", "", "the end"]
    sketcher = Sketcher(LEAST, (np.uint64(LIMITS[0]), np.uint64(LIMITS[1])))
    for _ in range(2):  # the second time in buffers that have grown
        assert comp_sketches(pa.array(texts), sketcher)[0] == [ref_sketch(t) for t in texts]


@pytest.mark.compiled
def test_chunks_of_texts_larger_than_the_shipped_slab() -> None:
    texts = ["before", "a b " * 80_000, "我" * 140_000, "ﷺ" * 30_000, "after"]
    found, _ = comp_sketches(pa.array(texts))
    assert found == [ref_sketch(text) for text in texts]


def test_chunks_of_different_arrays_through_one_sketcher() -> None:
    """Nothing of an array is left in the slab that would show in the next."""
    sketcher = Sketcher(LEAST, (np.uint64(LIMITS[0]), np.uint64(LIMITS[1])))
    for seed in range(4):
        texts = random_texts(random.Random(seed), 5 * (4 - seed), 40)
        assert comp_sketches(pa.array(texts), sketcher)[0] == [ref_sketch(text) for text in texts]


def test_text_buffers_are_views() -> None:
    array = pa.array(TEXTS).slice(2, 4)
    data, offsets = text_buffers(array)
    assert (data.dtype, offsets.dtype) == (np.uint8, np.int32)
    assert [bytes(data[a:b]).decode() for a, b in zip(offsets, offsets[1:], strict=False)] == TEXTS[2:6]
    assert data.ctypes.data == array.buffers()[2].address


@pytest.mark.parametrize("array", [pa.array([1]), pa.array([b"x"]), pa.array(["x"]).dictionary_encode()])
def test_text_buffers_of_other_types_are_refused(array: pa.Array) -> None:
    with pytest.raises(TypeError, match="not string or large_string"):
        text_buffers(array)
