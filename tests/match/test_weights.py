"""What tokens are worth against the twin, which knows sets of phrases and filters alike."""

from __future__ import annotations

import random
from collections.abc import Container

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provscan.match.weights import KNOWN, weigh
from provscan.sketch.phrases import filter_bytes, learn
from provscan.sketch.seeds import LONGEST
from provscan.text.information import load_information

SINGLE, PAIRS = load_information()
SINGLE_LIST, PAIRS_LIST = SINGLE.tolist(), PAIRS.tolist()
NOTHING = np.zeros(8, np.uint8)


def comp_weigh(
    ids: list[int],
    boilerplate: np.ndarray = NOTHING,
    background: np.ndarray = NOTHING,
    before: int = 0,
    after: int = 0,
    tables: tuple[np.ndarray, np.ndarray] = (SINGLE, PAIRS),
    part: tuple[int, int] | None = None,
) -> tuple[list[int], list[int]]:
    """What the kernel writes for ``ids`` where other documents stand before and after; and nothing beside them.

    ``part`` may reach beyond the document; what is written is then that of the document.
    """
    n = len(ids)
    chunk = np.array([7] * before + ids + [7] * after, np.uint16)
    sums, rolling = np.full(n + LONGEST + 1, 99, np.uint32), np.full(n + LONGEST + 1, 99, np.uint64)
    hashes = np.full(n, 99, np.uint64)
    alone, linked = np.full(len(chunk), 3, np.uint8), np.full(len(chunk), 4, np.uint8)
    scratch = sums, rolling, hashes, alone, linked
    begin, end = part or (0, n)
    weigh(chunk, before, before + n, before + begin, before + end, *tables, boilerplate, background, *scratch)
    begin, end = before + max(begin, 0), before + min(end, n)
    for worth, untouched in ((alone, 3), (linked, 4)):
        assert set(worth[:begin].tolist() + worth[end:].tolist()) <= {untouched}
    return alone[begin:end].tolist(), linked[begin:end].tolist()


def ref_weigh(ids: list[int], known: Container[int] = ()) -> tuple[list[int], list[int]]:
    return naive.weigh(ids, SINGLE_LIST, PAIRS_LIST, known)


def hashes_of(ids: list[int]) -> set[int]:
    return {h for h in naive.phrase_hashes(ids, SINGLE_LIST) if h}


def filter_of(hashes: set[int], size: int = 0) -> np.ndarray:
    bits = np.zeros(size or filter_bytes(len(hashes)), np.uint8)
    learn(bits, np.array(sorted(hashes), np.uint64), len(hashes))
    return bits


def random_tokens(rng: random.Random, n: int) -> list[int]:
    return [rng.randrange(1, 65536) for _ in range(n)]


texts = st.lists(st.one_of(st.integers(1, 0xBFFF), st.integers(0xC000, 65535), st.integers(1, 3)), max_size=50)


@given(texts, st.integers(0, 5))
def test_weigh_equals_twin_where_nothing_is_known(ids: list[int], before: int) -> None:
    """The token before the document is none of its own."""
    assert comp_weigh(ids, before=before, after=3) == ref_weigh(ids)


@given(texts, texts, texts, st.sampled_from([8, 64, 4096]))
def test_weigh_equals_twin_with_filters(ids: list[int], one: list[int], other: list[int], size: int) -> None:
    """Small filters know phrases that nobody told them; the twin has the same bits."""
    first, second = hashes_of(one + ids[10:25]), hashes_of(ids[30:] + other)
    found = comp_weigh(ids, filter_of(first, size), filter_of(second, 8), 2, 2)

    class Either:
        def __contains__(self, h: object) -> bool:
            return h in naive.Filter(size, first) or h in naive.Filter(8, second)

    assert found == ref_weigh(ids, Either())


@pytest.mark.parametrize("before", [0, 12])
@pytest.mark.parametrize("seed", range(4))
def test_weigh_of_a_part_is_what_the_whole_says_of_it(seed: int, before: int) -> None:
    """Phrases and predecessors reach back into the document; a part that goes beyond it is cut off."""
    rng = random.Random(seed)
    ids = random_tokens(rng, 60)
    known = hashes_of(ids[5:40])
    alone, linked = ref_weigh(ids, known)
    bits = filter_of(known, 1 << 14)
    for begin, end in (
        (0, 60),
        (0, 9),
        (1, 2),
        (5, 30),
        (7, 30),
        (8, 30),
        (9, 30),
        (50, 60),
        (-9, 20),
        (30, 99),
        (-9, 99),
    ):
        found = comp_weigh(ids, NOTHING, bits, before, 12, part=(begin, end))
        assert found == (alone[max(begin, 0) : end], linked[max(begin, 0) : end])
    assert comp_weigh(ids, bits, before=before, part=(20, 20)) == ([], [])


def test_weigh_of_a_part_after_long_phrases() -> None:
    """Of common words it takes eight tokens to a phrase, up to seven of them before the part."""
    ids, single = list(range(1, 41)), np.full(65536, 48, np.uint8)
    known = {h for h in naive.phrase_hashes(ids, single.tolist()) if h}
    bits = filter_of(known, 1 << 12)
    for begin in range(20):
        worth, _ = comp_weigh(ids, bits, before=3, tables=(single, np.zeros_like(PAIRS)), part=(begin, 40))
        assert worth == [48] * max(7 - begin, 0) + [KNOWN] * (40 - max(begin, 7))


@pytest.mark.parametrize("seed", range(10))
def test_weigh_equals_twin_that_knows_exactly(seed: int) -> None:
    """Whatever was learnt is known; filters with room know little else, and in these texts nothing."""
    rng = random.Random(seed)
    ids, unread = random_tokens(rng, 120), random_tokens(rng, 300)
    known = hashes_of(ids[20:50]) | hashes_of(ids[90:]) | hashes_of(unread)
    bits = filter_of(known, 1 << 16)
    assert (
        comp_weigh(ids, bits) == comp_weigh(ids, NOTHING, bits) == comp_weigh(ids, bits, bits) == ref_weigh(ids, known)
    )


def test_weigh_of_either_filter() -> None:
    rng = random.Random(20)
    ids = random_tokens(rng, 60)
    first, second = hashes_of(ids[:30]), hashes_of(ids[30:])
    bits = filter_of(first, 1 << 14), filter_of(second, 1 << 16)
    assert comp_weigh(ids, *bits) == comp_weigh(ids, *bits[::-1]) == ref_weigh(ids, first | second)


def test_weigh_what_was_learnt_and_few_others() -> None:
    """Filters of the size that they are given: all learnt tokens are worth next to nothing, and 3 % of the others."""
    rng = random.Random(21)
    mine, other = random_tokens(rng, 4096), random_tokens(rng, 20_000)
    bits = np.zeros(filter_bytes(len(mine)), np.uint8)
    learn(bits, np.array(sorted(hashes_of(mine)), np.uint64), len(hashes_of(mine)))
    for worth in comp_weigh(mine, bits):
        assert max(worth[LONGEST:]) <= KNOWN
    for worth, free in zip(comp_weigh(other, bits), ref_weigh(other), strict=True):
        less = sum(a < b for a, b in zip(worth, free, strict=True))
        assert less < 0.03 * len(other)


def test_weigh_the_first_tokens_of_a_phrase_keep_their_worth() -> None:
    """Only the token at which a known phrase ends is known."""
    ids, single = [1, 2, 3, 4, 5, 6], np.full(65536, 200, np.uint8)
    known = {h for h in naive.phrase_hashes(ids[1:4], single.tolist()) if h}
    assert len(known) == 2  # of two tokens each
    alone, linked = comp_weigh(ids, filter_of(known, 1 << 12), tables=(single, np.zeros_like(PAIRS)))
    assert alone == linked == [200, 200, KNOWN, KNOWN, 200, 200]


def test_weigh_known_tokens_are_worth_nothing() -> None:
    """However little they carry: only the first, at which no phrase ends, keeps its worth."""
    single = np.array([0, 255, 255, 5, 8, 9] + [0] * 65530, np.uint8)
    ids = [1, 2, 3, 4, 5]
    known = {h for h in naive.phrase_hashes(ids, single.tolist()) if h}
    assert len(known) == 4
    tables = single, np.zeros_like(PAIRS)
    assert comp_weigh(ids, filter_of(known, 1 << 12), tables=tables) == ([255, 0, 0, 0, 0],) * 2


def test_weigh_where_a_phrase_begins_before_the_document() -> None:
    """The document before ends in the first half of a known phrase: what follows is not that phrase."""
    rng = random.Random(22)
    ids = random_tokens(rng, 40)
    bits = filter_of(hashes_of(ids), 1 << 14)
    chunk = np.array(ids, np.uint16)
    scratch = np.zeros(60, np.uint32), np.zeros(60, np.uint64), np.zeros(60, np.uint64)
    alone, linked = np.zeros(40, np.uint8), np.zeros(40, np.uint8)
    weigh(chunk, 0, 20, 0, 20, SINGLE, PAIRS, bits, NOTHING, *scratch, alone, linked)
    weigh(chunk, 20, 40, 20, 40, SINGLE, PAIRS, bits, NOTHING, *scratch, alone, linked)
    for part in (ids[:20], ids[20:]):
        expected = ref_weigh(part, hashes_of(ids))
        at = ids.index(part[0])
        assert (alone[at : at + 20].tolist(), linked[at : at + 20].tolist()) == expected
    assert alone[20] == SINGLE[ids[20]]


def test_weigh_the_first_token_follows_none() -> None:
    """Not the last of the document before, which would make it expected."""
    pairs = np.zeros_like(PAIRS)
    for before, token in ((7, 5), (5, 6)):  # 7 is what stands before
        slot, tag = naive.pair_slot_tag(before, token)
        pairs[slot] = tag << 8 | 80
    tables = np.full(65536, 100, np.uint8), pairs
    assert comp_weigh([5, 6], before=4, after=4, tables=tables) == ([100, 100], [100, 20])


@pytest.mark.parametrize(("n", "worth"), [(0, []), (1, [200]), (2, [200, KNOWN])])
def test_weigh_of_next_to_nothing(n: int, worth: list[int]) -> None:
    """One token is no phrase, whatever a filter knows."""
    tables = np.full(65536, 200, np.uint8), np.zeros_like(PAIRS)
    found = comp_weigh(list(range(1, n + 1)), np.full(8, 255, np.uint8), before=3, after=3, tables=tables)
    assert found == (worth, worth)


def test_weigh_characters_after_their_predecessor() -> None:
    """Nine tenths of what they carry then, rounded down; words and characters alone keep all."""
    tables = np.full(65536, 99, np.uint8), np.zeros_like(PAIRS)
    last_word = naive.FIRST_CHARACTER - 1
    alone, linked = comp_weigh([5, naive.FIRST_CHARACTER, last_word, 65535], tables=tables)
    assert alone == [99] * 4
    assert linked == [99, 89, 99, 89]


def test_weigh_full_filter_knows_every_phrase() -> None:
    ids = random_tokens(random.Random(23), 50)
    ends = [h != 0 for h in naive.phrase_hashes(ids, SINGLE_LIST)]
    alone, linked = comp_weigh(ids, np.full(8, 255, np.uint8))
    free = ref_weigh(ids)
    assert alone == [min(w, KNOWN) if end else w for w, end in zip(free[0], ends, strict=True)]
    assert linked == [min(w, KNOWN) if end else w for w, end in zip(free[1], ends, strict=True)]
