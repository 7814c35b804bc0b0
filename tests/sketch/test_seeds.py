"""Seeds against their twin: hashes, positions and information, exactly."""

from __future__ import annotations

import random

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provscan.sketch.seeds import LONGEST, SHORTEST, find_seeds
from provscan.text.information import load_information
from provscan.text.tokenizer import Tokenizer

SINGLE = load_information().single
SINGLE_LIST = SINGLE.tolist()
ALL = naive.MASK64
EVEN = bytes([100]) * 65536


def comp_seeds(
    ids: list[int],
    single: np.ndarray,
    least: int,
    limits: tuple[int, int],
    before: int = 0,
    after: int = 0,
    at: int = 0,
) -> tuple[list[tuple[int, int]], int]:
    """What the kernel finds in ``ids`` where other tokens stand before and after; positions from its first."""
    n = len(ids)
    stream = np.array([7] * before + ids + [7] * after, np.uint16)
    sums, rolling = np.empty(n + LONGEST + 1, np.uint32), np.empty(n + LONGEST + 1, np.uint64)
    hashes, positions = np.full(at + n + 1, 5, np.uint64), np.full(at + n + 1, 5, np.uint32)
    arguments = (single, np.int64(least), *map(np.uint64, limits), sums, rolling, hashes, positions)
    end, bits = find_seeds(stream, before, before + n, *arguments, at)
    assert hashes[:at].tolist() == [5] * at
    found = zip(hashes[at:end].tolist(), (positions[at:end].astype(np.int64) - before).tolist(), strict=True)
    return list(found), int(bits)


def texts() -> st.SearchStrategy[list[int]]:
    words, characters = st.integers(1, 0xBFFF), st.integers(0xC000, 65535)
    return st.lists(st.one_of(words, characters, st.sampled_from([1, 2, 0xBFFF, 0xC000])), max_size=60)


@given(texts(), st.integers(0, 2100), st.sampled_from([ALL, ALL // 2, 0]), st.sampled_from([ALL, ALL // 4, 0]))
def test_find_seeds_equals_twin(ids: list[int], least: int, word_limit: int, character_limit: int) -> None:
    ref = naive.find_seeds(ids, SINGLE_LIST, least, word_limit, character_limit)
    assert comp_seeds(ids, SINGLE, least, (word_limit, character_limit)) == ref
    assert comp_seeds(ids, SINGLE, least, (word_limit, character_limit), 11, 11, 3) == ref


@given(st.lists(st.integers(0, 3), max_size=40), st.binary(min_size=4, max_size=4), st.integers(0, 700))
def test_find_seeds_any_information(ids: list[int], bits: bytes, least: int) -> None:
    single = np.zeros(65536, np.uint8)
    single[:4] = list(bits)
    assert comp_seeds(ids, single, least, (ALL, ALL)) == naive.find_seeds(ids, single.tolist(), least, ALL, ALL)


@pytest.mark.parametrize("n", range(12))
def test_find_seeds_short_texts(n: int) -> None:
    """No seed of one token, and none that would need tokens after the last."""
    single = np.frombuffer(EVEN, np.uint8)
    for least in (0, 200, 201, 300, 301, 800, 801):
        ref = naive.find_seeds(list(range(1, n + 1)), single.tolist(), least, ALL, ALL)
        assert comp_seeds(list(range(1, n + 1)), single, least, (ALL, ALL), 5, 9) == ref


@pytest.mark.parametrize(("least", "length"), [(0, 2), (200, 2), (201, 3), (800, 8), (801, None)])
def test_find_seeds_lengths(least: int, length: int | None) -> None:
    ids = list(range(1, 31))
    found, bits = comp_seeds(ids, np.frombuffer(EVEN, np.uint8), least, (ALL, ALL))
    expected = [(naive.run_hash(ids[i : i + length]), i) for i in range(31 - length)] if length else []
    assert found == expected
    assert bits == 3000
    assert SHORTEST == 2 and LONGEST == 8


def test_find_seeds_do_not_depend_on_what_surrounds_them() -> None:
    """Whoever copies a run copies its seeds: the inner ones of a passage are those of the text around it."""
    rng = random.Random(5)
    ids = [rng.randrange(1, 65536) for _ in range(200)]
    whole = dict.fromkeys(h for h, _ in comp_seeds(ids, SINGLE, 480, (ALL, ALL))[0])
    for begin in range(0, 180, 7):
        part = comp_seeds(ids[begin : begin + 20], SINGLE, 480, (ALL, ALL))[0]
        assert part and all(h in whole for h, _ in part)


def test_find_seeds_limits_sample_words_and_characters() -> None:
    rng = random.Random(6)
    size = 2_000
    single = np.frombuffer(EVEN, np.uint8)
    words = comp_seeds([rng.randrange(1, 0xC000) for _ in range(size)], single, 200, (ALL // 2, ALL // 4))[0]
    characters = comp_seeds([rng.randrange(0xC000, 65536) for _ in range(size)], single, 200, (ALL // 2, ALL // 4))[0]
    assert abs(len(words) - size / 2) < 5 * (size / 4) ** 0.5
    assert abs(len(characters) - size / 4) < 5 * (size * 3 / 16) ** 0.5
    assert max(h for h, _ in characters) <= ALL // 4


# Pinned: an index holds these, so whoever changes them must raise parameters.ALGORITHM_VERSION.
def test_find_seeds_pinned() -> None:
    single = np.frombuffer(EVEN, np.uint8)
    assert comp_seeds([1, 2, 3, 0xC000, 0xFFFF], single, 300, (ALL, ALL))[0] == [
        (6612129820779030284, 0),
        (7652737510923445408, 1),
        (10902847140793959110, 2),
    ]


@pytest.mark.parametrize(
    ("text", "seed"),
    [
        ("We hold these truths to be self-evident", (5, 4105260578286640371, 2)),
        ("我们认为下面这些真理是不言而喻的", (13, 943929965969532651, 0)),
    ],
)
def test_find_seeds_pinned_text(text: str, seed: tuple[int, int, int]) -> None:
    """How many runs of four tokens, and the lowest hash with its place; whatever the shipped tables say."""
    found, _ = comp_seeds(Tokenizer()(text).ids.tolist(), np.frombuffer(EVEN, np.uint8), 400, (ALL, ALL))
    assert (len(found), *min(found)) == seed


@pytest.mark.compiled
def test_find_seeds_of_a_text_of_nine_million_tokens() -> None:
    n = 9_000_000
    ids = (np.arange(n, dtype=np.uint32) * np.uint32(2654435761) >> np.uint32(16)).astype(np.uint16)
    single = np.full(65536, 255, np.uint8)
    sums, rolling = np.empty(n + LONGEST + 1, np.uint32), np.empty(n + LONGEST + 1, np.uint64)
    hashes, positions = np.empty(n + 1, np.uint64), np.empty(n + 1, np.uint32)
    limits = np.uint64(ALL), np.uint64(ALL)
    end, bits = find_seeds(ids, 0, n, single, 480, *limits, sums, rolling, hashes, positions, 0)
    assert (end, bits) == (n - 1, 255 * n)
