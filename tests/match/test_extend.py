"""Ungapped extension and its rescoring against their twins."""

from __future__ import annotations

import random

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provscan.match.extend import DROP, MISMATCH, extend, rescore
from provscan.text.information import load_information

SINGLE = load_information().single
SINGLE_LIST = SINGLE.tolist()


def comp_extend(ids: list[int], first: int, last: int, tokens: list[int], i: int, j: int, single: np.ndarray) -> tuple:
    found = extend(np.array(ids, np.uint16), first, last, np.array(tokens, np.uint16), i, j, single)
    return tuple(map(int, found))


def comp_rescore(
    ids: list[int], begin: int, stop: int, tokens: list[int], shift: int, alone: list[int], linked: list[int]
) -> tuple[int, ...]:
    arrays = np.array(ids, np.uint16), begin, stop, np.array(tokens, np.uint16), shift
    return tuple(map(int, rescore(*arrays, np.array(alone, np.uint8), np.array(linked, np.uint8))))


def stream(rng: random.Random, n: int, alphabet: int) -> list[int]:
    return [0, *(rng.randrange(1, alphabet) for _ in range(n)), 0]


def edited(rng: random.Random, ids: list[int], rate: float, alphabet: int) -> list[int]:
    return [rng.randrange(1, alphabet) if rng.random() < rate else t for t in ids]


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("seed", range(4))
def test_extend_equals_twin_on_edited_copies(seed: int, rate: float) -> None:
    rng = random.Random(seed)
    tokens = stream(rng, 120, 3000)
    ids = [rng.randrange(1, 3000) for _ in range(10)] + edited(rng, tokens[1:-1], rate, 3000) + [9] * 10
    for _ in range(20):
        i = rng.randrange(10, 130)
        j = i - 9
        first, last = rng.randrange(i + 1), rng.randrange(i, len(ids)) + 1
        ref = naive.extend(ids, first, last, tokens, i, j, SINGLE_LIST)
        assert comp_extend(ids, first, last, tokens, i, j, SINGLE) == ref


@given(st.lists(st.integers(1, 3), min_size=1, max_size=40), st.lists(st.integers(0, 3), max_size=40), st.data())
def test_extend_equals_twin_on_anything(ids: list[int], theirs: list[int], data: st.DataObject) -> None:
    tokens = [0, *theirs, 0]
    single = np.zeros(65536, np.uint8)
    single[1:4] = [data.draw(st.integers(0, 255)) for _ in range(3)]
    i, j = data.draw(st.integers(0, len(ids) - 1)), data.draw(st.integers(1, len(tokens) - 1))
    ref = naive.extend(ids, 0, len(ids), tokens, i, j, single.tolist())
    assert comp_extend(ids, 0, len(ids), tokens, i, j, single) == ref


def test_extend_stays_in_the_document_and_the_reference() -> None:
    tokens = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6, 0]
    ids = [1, 2, 3, 4, 5, 6, 1, 2, 3, 4]
    single = np.full(65536, 16, np.uint8)
    assert comp_extend(ids, 0, 6, tokens, 2, 8, single) == (6 * 16, 0, 6)
    assert comp_extend(ids, 1, 5, tokens, 2, 8, single) == (4 * 16, 1, 5)
    assert comp_extend(ids, 0, 10, tokens, 2, 3, single) == (4 * 16, 0, 4)


def test_extend_hit_that_was_none() -> None:
    """A look-up agrees in a few bits of the hash only; where no token is shared there is nothing to extend."""
    assert comp_extend([5, 6, 7], 0, 3, [0, 1, 2, 3, 0], 1, 2, SINGLE) == (0, 1, 1)
    assert comp_extend([5, 6, 7], 0, 3, [0, 1, 2, 3, 0], 1, 4, SINGLE) == (0, 1, 1)


@pytest.mark.parametrize(("mismatches", "passes"), [(4, True), (5, True), (6, False)])
def test_extend_x_drop(mismatches: int, passes: bool) -> None:
    """Five mismatches cost 30 bits, which is not more than the drop; six are."""
    assert 5 * MISMATCH == DROP
    tokens = [0] + [1] * 10 + [2] * mismatches + [1] * 50 + [0]
    ids = [1] * 10 + [3] * mismatches + [1] * 50
    single = np.full(65536, 160, np.uint8)
    right = 60 * 160 - mismatches * MISMATCH if passes else 10 * 160
    assert comp_extend(ids, 0, len(ids), tokens, 0, 1, single) == (right, 0, len(ids) if passes else 10)
    left = comp_extend(ids[::-1], 0, len(ids), tokens[::-1], len(ids), len(ids) + 1, single)
    assert left == (right, 0 if passes else len(ids) - 10, len(ids))


def worths(rng: random.Random, n: int, least: int = 0) -> tuple[list[int], list[int]]:
    """What each of ``n`` tokens is worth alone and after its predecessor, which never adds to it."""
    alone = [rng.randrange(least, 256) for _ in range(n)]
    return alone, [rng.randrange(least, worth + 1) for worth in alone]


@pytest.mark.parametrize("least", [0, 60])
@pytest.mark.parametrize("seed", range(8))
def test_rescore_equals_brute_force(seed: int, least: int) -> None:
    """Score and end exactly; of equal ones the first to end, then the last to begin."""
    rng = random.Random(seed)
    tokens = stream(rng, 45, 60)
    ids = edited(rng, tokens, 0.4, 60)
    for _ in range(4):
        begin = rng.randrange(1, 40)
        stop = rng.randrange(begin, 46)
        alone, linked = worths(rng, len(ids), least)
        comp = comp_rescore(ids, begin, stop, tokens, 0, alone, linked)
        assert comp == naive.rescore(ids, begin, stop, tokens, 0, alone, linked)


@given(st.lists(st.booleans(), max_size=30), st.integers(0, 1000), st.integers(0, 5))
def test_rescore_part_is_the_best_and_has_the_score_that_is_told(shared: list[bool], seed: int, shift: int) -> None:
    rng = random.Random(seed)
    tokens = [0] * shift + [rng.randrange(1, 10) for _ in shared]
    ids = [token if same else 9 - token % 9 for token, same in zip(tokens[shift:], shared, strict=True)]
    alone, linked = worths(rng, len(ids))
    score, begin, stop = comp_rescore(ids, 0, len(ids), tokens, shift, alone, linked)
    assert 0 <= begin <= stop <= len(ids)
    told = naive.part_scores(ids, begin, stop, tokens, shift, alone, linked)
    assert score == (told[-1] if told else 0)
    assert score == naive.rescore(ids, 0, len(ids), tokens, shift, alone, linked)[0]


def test_rescore_of_nothing() -> None:
    assert comp_rescore([1, 2], 1, 1, [3, 4], 0, [160] * 2, [160] * 2) == (0, 1, 1)
    assert comp_rescore([1, 2], 0, 2, [3, 4], 0, [160] * 2, [160] * 2) == (0, 0, 0)


def test_rescore_tokens_that_are_worth_nothing() -> None:
    assert comp_rescore([1, 2, 3], 0, 3, [1, 2, 3], 0, [0] * 3, [0] * 3) == (0, 0, 0)
    assert comp_rescore([1, 2, 3], 0, 3, [1, 2, 3], 0, [0, 5, 0], [0, 5, 0])[0] == 5


def test_rescore_links_only_within_the_part() -> None:
    """A token after a mismatch, and the first of all, are worth what they are worth alone."""
    alone, linked = [160, 160, 160], [100, 60, 60]
    assert comp_rescore([1, 2], 0, 2, [1, 2], 0, alone, linked) == (160 + 60, 0, 2)
    assert comp_rescore([1, 2], 1, 2, [1, 2], 0, alone, linked) == (160, 1, 2)
    assert comp_rescore([1, 2, 2], 0, 3, [1, 3, 2], 0, alone, linked) == (160 + 160 - MISMATCH, 0, 3)


def test_rescore_best_part_begins_anew() -> None:
    """Token 1 brings 1 bit and takes 6 off token 2: the best part is token 2 alone."""
    alone, linked = [16, 160], [16, 64]
    assert naive.rescore([1, 2], 0, 2, [1, 2], 0, alone, linked) == (160, 1, 2)
    assert comp_rescore([1, 2], 0, 2, [1, 2], 0, alone, linked) == (160, 1, 2)
