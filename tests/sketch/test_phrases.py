"""Phrases and the filters that know them against their twins: hashes and bits exactly."""

from __future__ import annotations

import random

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provscan.sketch.phrases import BITS_EACH, PHRASE, filter_bytes, knows, learn, phrase_hashes
from provscan.sketch.seeds import LONGEST
from provscan.text.information import load_information
from provscan.text.tokenizer import Tokenizer

SINGLE = load_information().single
SINGLE_LIST = SINGLE.tolist()
HUNDRED = np.full(65536, 100, np.uint8)


def comp_hashes(ids: list[int], single: np.ndarray, before: int = 0, after: int = 0) -> list[int]:
    """What the kernel finds in ``ids`` where other tokens stand before and after; the scratch holds something else."""
    n = len(ids)
    stream = np.array([7] * before + ids + [7] * after, np.uint16)
    sums, rolling = np.full(n + LONGEST + 1, 99, np.uint32), np.full(n + LONGEST + 1, 99, np.uint64)
    hashes = np.full(n + 1, 5, np.uint64)
    phrase_hashes(stream, before, before + n, single, sums, rolling, hashes)
    assert hashes[n] == 5
    return hashes[:n].tolist()


def comp_filter(size: int, hashes: list[int]) -> np.ndarray:
    bits = np.zeros(size, np.uint8)
    learn(bits, np.array(hashes, np.uint64), len(hashes))
    return bits


def texts() -> st.SearchStrategy[list[int]]:
    words, characters = st.integers(1, 0xBFFF), st.integers(0xC000, 65535)
    return st.lists(st.one_of(words, characters, st.sampled_from([1, 2, 0xBFFF, 0xC000])), max_size=60)


def unlike(rng: random.Random, n: int) -> list[int]:
    """Hashes that are not 0 and all different."""
    return list({rng.randrange(1, naive.MASK64 + 1): None for _ in range(n)})


# ---- hashes ----------------------------------------------------------------------------------------------------------


@given(texts())
def test_phrase_hashes_equals_twin(ids: list[int]) -> None:
    ref = naive.phrase_hashes(ids, SINGLE_LIST)
    assert comp_hashes(ids, SINGLE) == ref
    assert comp_hashes(ids, SINGLE, 11, 11) == ref


@given(st.lists(st.integers(0, 3), max_size=40), st.binary(min_size=4, max_size=4))
def test_phrase_hashes_any_information(ids: list[int], bits: bytes) -> None:
    single = np.zeros(65536, np.uint8)
    single[:4] = list(bits)
    assert comp_hashes(ids, single, 3, 3) == naive.phrase_hashes(ids, single.tolist())


@pytest.mark.parametrize("n", range(12))
def test_phrase_hashes_short_texts(n: int) -> None:
    """No phrase of one token, and none that would need tokens before the first."""
    ids = list(range(1, n + 1))
    for each in (255, 192, 191, 128, 127, 100, 55, 48, 47):
        single = np.full(65536, each, np.uint8)
        assert comp_hashes(ids, single, 5, 9) == naive.phrase_hashes(ids, single.tolist())


@pytest.mark.parametrize(
    ("each", "length"),
    [(255, 2), (192, 2), (191, 3), (128, 3), (127, 4), (96, 4), (55, 7), (54, 8), (48, 8), (47, None)],
)
def test_phrase_hashes_lengths(each: int, length: int | None) -> None:
    """Twenty-four bits in as few tokens as carry them, from 2 to 8."""
    assert PHRASE == 24 * 16
    ids = list(range(1, 31))
    expected = [
        naive.run_hash(ids[end - length : end]) if length is not None and end >= length else 0 for end in range(1, 31)
    ]
    assert comp_hashes(ids, np.full(65536, each, np.uint8)) == expected


def test_phrase_hashes_do_not_depend_on_what_surrounds_them() -> None:
    """A copy has the phrases of the original wherever eight tokens before are copied too, and those it begins with."""
    rng = random.Random(5)
    ids = [rng.randrange(1, 65536) for _ in range(200)]
    whole = comp_hashes(ids, SINGLE)
    for begin in range(0, 180, 7):
        part = comp_hashes(ids[begin : begin + 20], SINGLE)
        assert part[LONGEST:] == whole[begin + LONGEST : begin + 20]
        assert all(h in (0, other) for h, other in zip(part, whole[begin:], strict=False))


def test_phrase_hashes_of_a_phrase_are_what_a_seed_of_as_many_bits_has() -> None:
    ids = [3, 1, 4, 1, 5, 9, 2, 6]
    seeds, _ = naive.find_seeds(ids, HUNDRED.tolist(), PHRASE, naive.MASK64, naive.MASK64)
    assert comp_hashes(ids, HUNDRED)[3:] == [h for h, _ in seeds]


# Pinned: an index and its background hold these, so whoever changes them must raise parameters.ALGORITHM_VERSION.
def test_phrase_hashes_pinned() -> None:
    assert comp_hashes([1, 2, 3, 0xC000, 0xFFFF], HUNDRED) == [0, 0, 0, 9275133064063835917, 3168778974622145415]


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("We hold these truths to be self-evident", 11592797182955602374),
        ("我们认为下面这些真理是不言而喻的", 1715795616264707019),
    ],
)
def test_phrase_hashes_pinned_text(text: str, last: int) -> None:
    """The phrase that ends a text, whatever the shipped tables say."""
    assert comp_hashes(Tokenizer()(text).ids.tolist(), HUNDRED)[-1] == last


@pytest.mark.compiled
def test_phrase_hashes_where_the_sums_wrap() -> None:
    """Information beyond 2**32: only differences of the sums are used."""
    n = 17_000_000
    ids = (np.arange(n, dtype=np.uint32) * np.uint32(2654435761) >> np.uint32(16)).astype(np.uint16)
    single = np.full(65536, 255, np.uint8)
    sums, rolling = np.empty(n + LONGEST + 1, np.uint32), np.empty(n + LONGEST + 1, np.uint64)
    hashes = np.empty(n, np.uint64)
    phrase_hashes(ids, 0, n, single, sums, rolling, hashes)
    wrapped = (1 << 32) // 255
    for at in (wrapped - 50, wrapped, n - 100):
        part = ids[at : at + 100].tolist()
        assert hashes[at + 1 : at + 100].tolist() == comp_hashes(part, single)[1:]
    assert np.count_nonzero(hashes) == n - 1


# ---- filters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [8, 16, 64, 1024])
@pytest.mark.parametrize("n", [0, 1, 5, 60])
def test_learn_equals_twin(size: int, n: int) -> None:
    hashes = unlike(random.Random(n), n)
    assert comp_filter(size, hashes).tolist() == naive.Filter(size, hashes).bytes()


@given(st.lists(st.integers(0, naive.MASK64), max_size=20), st.sampled_from([8, 16, 32]), st.integers(0, naive.MASK64))
def test_knows_equals_twin(hashes: list[int], size: int, asked: int) -> None:
    """Also of hashes whose bits are set by others."""
    bits, ref = comp_filter(size, hashes), naive.Filter(size, hashes)
    assert bits.tolist() == ref.bytes()
    assert bool(knows(bits, np.uint64(asked))) == (asked in ref)
    assert all(knows(bits, np.uint64(h)) for h in hashes if h)


@pytest.mark.parametrize(
    ("h", "bytes_set"),
    [
        (1, {0: 3}),  # bit 0 of the high half, bit 1 of the low one
        (63, {0: 1, 7: 128}),
        (64, {0: 1}),
        (9 << 32 | 10, {1: 6}),
        (1 << 63 | 1 << 31, {0: 1}),
        (naive.MASK64, {7: 128}),
    ],
)
def test_learn_sets_the_bits_that_are_stated(h: int, bytes_set: dict[int, int]) -> None:
    bits = comp_filter(8, [h])
    assert {k: int(v) for k, v in enumerate(bits) if v} == bytes_set
    assert knows(bits, np.uint64(h))


def test_learn_no_phrase_and_no_more_than_it_is_given() -> None:
    bits = np.zeros(8, np.uint8)
    learn(bits, np.array([0, 0], np.uint64), 2)
    learn(bits, np.array([77], np.uint64), 0)
    assert not bits.any()


def test_learn_adds_to_what_is_known() -> None:
    first, second = unlike(random.Random(8), 30), unlike(random.Random(9), 30)
    bits = comp_filter(256, first)
    learn(bits, np.array(second, np.uint64), 30)
    assert bits.tolist() == naive.Filter(256, first + second).bytes()
    learn(bits, np.array(first, np.uint64), 30)
    assert bits.tolist() == naive.Filter(256, first + second).bytes()


@pytest.mark.parametrize("n", [100, 1024, 1500, 4096])
def test_knows_all_that_was_learnt_and_few_others(n: int) -> None:
    """One unknown phrase in 70 where the filter is as full as it is made for (1,024 and 4,096), fewer elsewhere."""
    rng = random.Random(n)
    mixed = unlike(rng, n + 20_000)
    bits = comp_filter(filter_bytes(n), mixed[:n])
    assert all(knows(bits, np.uint64(h)) for h in mixed[:n])
    assert sum(bool(knows(bits, np.uint64(h))) for h in mixed[n:]) < 0.03 * 20_000


def test_knows_few_phrases_of_other_texts() -> None:
    """The same of hashes as texts give them."""
    rng = random.Random(11)
    mine, other = ([rng.randrange(1, 65536) for _ in range(n)] for n in (4096, 20_000))
    hashes = comp_hashes(mine, SINGLE)
    bits = comp_filter(filter_bytes(len(mine)), hashes)
    assert all(knows(bits, np.uint64(h)) for h in hashes if h)
    unlearnt = sorted(set(comp_hashes(other, SINGLE)) - {0, *hashes})
    assert len(unlearnt) > 19_000
    assert sum(bool(knows(bits, np.uint64(h))) for h in unlearnt) < 0.03 * len(unlearnt)


@pytest.mark.parametrize(
    ("phrases", "size"),
    [
        (0, 8),
        (1, 8),
        (4, 8),
        (5, 16),
        (8, 16),
        (9, 32),
        (1024, 2048),
        (1025, 4096),
        (100_000_000, 1 << 28),
        (1 << 28, 1 << 29),
        (1 << 40, 1 << 29),
    ],
)
def test_filter_bytes(phrases: int, size: int) -> None:
    assert filter_bytes(phrases) == size


@given(st.integers(0, 1 << 28))
def test_filter_bytes_are_a_power_of_two_with_room(phrases: int) -> None:
    size = filter_bytes(phrases)
    assert size & (size - 1) == 0
    assert 8 * size >= BITS_EACH * phrases
    assert size == 8 or 8 * size < 2 * BITS_EACH * phrases
