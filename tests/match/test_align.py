"""Gapped extension against its twin, a plain table of cells."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import NamedTuple

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provscan.match.align import BAND, GAP, ROWS, WIDTH, extend_gapped
from provscan.match.extend import MISMATCH
from provscan.text.information import load_information


class Worth(NamedTuple):
    """What each token of the documents is worth, alone and after its predecessor, indexed as they are."""

    alone: list[int]
    linked: list[int]


SINGLE, PAIRS = (table.tolist() for table in load_information())


def shipped(ids: list[int]) -> Worth:
    """What the shipped tables say."""
    return Worth(*naive.weigh(ids, SINGLE, PAIRS, ()))


def even(ids: list[int]) -> Worth:
    """Ten bits each."""
    return Worth([160] * len(ids), [160] * len(ids))


SCRATCH = (
    np.full((2, WIDTH + 2), 12345, np.int64),
    np.full((ROWS + 1, WIDTH), 9, np.uint8),
    np.empty((ROWS, 2), np.int32),
)
Pairs = list[tuple[int, int]]


def score_of(
    matched: Pairs, ids: list[int], first: int, tokens: list[int], i: int, j: int, step: int, worth: Worth
) -> int:
    """What an extension with these matched pairs scores at best, the rest being mismatches and gaps."""
    score = 0
    path = [(i - step, j - step), *matched[::-1]]
    for (d0, r0), (d, r) in pairwise(path):
        skipped, theirs = step * (d - d0) - 1, step * (r - r0) - 1
        assert skipped >= 0 and theirs >= 0
        assert ids[d] == tokens[r] != 0
        score -= MISMATCH * min(skipped, theirs) + GAP * abs(skipped - theirs)
        same = d > first and ids[d - 1] == tokens[r - 1]
        score += worth.linked[d] if same else worth.alone[d]
    return score


def check(
    ids: list[int], first: int, last: int, tokens: list[int], i: int, j: int, step: int, worth: Worth | None = None
) -> tuple[int, Pairs]:
    """The kernel's score, equal to the twin's, and its matched pairs, which add up to it.

    The scratch keeps what the call before left in it.
    """
    worth = worth or shipped(ids)
    stream, arrays = np.array(tokens, np.uint16), (np.array(w, np.uint8) for w in worth)
    comp, n = extend_gapped(np.array(ids, np.uint16), first, last, stream, i, j, step, *arrays, *SCRATCH)
    matched = [(d, r) for d, r in SCRATCH[2][:n].tolist()]
    ref, _ = naive.extend_gapped(ids, first, last, tokens, i, j, step, *worth)
    assert comp == ref
    assert all(first <= d < last for d, _ in matched)
    assert comp == score_of(matched, ids, first, tokens, i, j, step, worth)
    return int(comp), matched


def edited(rng: random.Random, ids: list[int], substituted: float, inserted: float, deleted: float) -> list[int]:
    out = []
    for token in ids:
        if rng.random() < inserted:
            out.append(rng.randrange(1, 60_000))
        if rng.random() >= deleted:
            out.append(rng.randrange(1, 60_000) if rng.random() < substituted else token)
    return out


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize("rates", [(0, 0, 0), (0.2, 0, 0), (0, 0.1, 0.1), (0.2, 0.1, 0.1), (0.5, 0.2, 0.2), (1, 0, 0)])
@pytest.mark.parametrize("seed", range(3))
def test_extend_gapped_equals_twin_on_edited_copies(seed: int, rates: tuple[float, ...], step: int) -> None:
    rng = random.Random(seed)
    ref = [rng.randrange(1, 60_000) for _ in range(70)]
    tokens = [0, 5, *ref, 6, 0]
    ids = [8, *edited(rng, ref, *rates), 9]
    start = (1, 2) if step > 0 else (len(ids) - 2, len(tokens) - 3)
    score, _ = check(ids, 0, len(ids), tokens, *start, step)
    assert score > 0 or rates[0] == 1
    middle = len(ids) // 2
    check(ids, middle - 5, middle + 5, tokens, middle, rng.randrange(1, len(tokens) - 1), step)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=30),
    st.lists(st.integers(1, 4), max_size=30),
    st.sampled_from([1, -1]),
    st.data(),
)
def test_extend_gapped_equals_twin_on_anything(
    ids: list[int], theirs: list[int], step: int, data: st.DataObject
) -> None:
    """Few different tokens: many ways to align, ties among them."""
    tokens = [0, *theirs, 0]
    i, j = data.draw(st.integers(0, len(ids) - 1)), data.draw(st.integers(0, len(tokens) - 1))
    first, last = data.draw(st.integers(0, i)), data.draw(st.integers(i + 1, len(ids)))
    alone = data.draw(st.lists(st.integers(1, 255), min_size=len(ids), max_size=len(ids)))
    linked = [data.draw(st.integers(1, worth)) for worth in alone]
    check(ids, first, last, tokens, i, j, step, Worth(alone, linked))


@pytest.mark.parametrize("step", [1, -1])
def test_extend_gapped_of_nothing(step: int) -> None:
    tokens = [0, 1, 2, 3, 0]
    assert check([1, 2, 3], 1, 1, tokens, 1 if step > 0 else 0, 2, step) == (0, [])
    assert check([1, 2, 3], 0, 3, tokens, 1, 0 if step < 0 else 4, step) == (0, [])
    assert check([7, 7, 7], 0, 3, tokens, 1, 2, step) == (0, [])
    assert check([7, 7, 7], 0, 3, [0, 0], 1, 1, step) == (0, [])


def test_extend_gapped_first_token_follows_what_it_is_extended_from() -> None:
    """Tokens are linked to the one before them, if that is shared too and in the same document."""
    use = Worth([160, 160], [160, 60])
    assert check([1, 2], 0, 2, [0, 1, 2, 0], 1, 2, 1, use) == (60, [(1, 2)])
    assert check([1, 2], 1, 2, [0, 1, 2, 0], 1, 2, 1, use) == (160, [(1, 2)])
    assert check([1, 2], 0, 2, [0, 3, 2, 0], 1, 2, 1, use) == (160, [(1, 2)])
    assert check([1, 2], 0, 2, [0, 1, 2, 0], 1, 2, -1, use) == (220, [(0, 1), (1, 2)])


def test_extend_gapped_finds_each_kind_of_edit() -> None:
    ref = list(range(1, 41))
    for ids, shared, cost in (
        (ref, 40, 0),
        (ref[:10] + [999] + ref[11:], 39, MISMATCH),
        (ref[:10] + [999] + ref[10:], 40, GAP),
        (ref[:10] + ref[11:], 39, GAP),
        (ref[:10] + [997, 998, 999] + ref[11:], 39, MISMATCH + 2 * GAP),
        (ref[:10] + [999] + ref[10:20] + ref[21:], 39, 2 * GAP),
    ):
        score, matched = check(ids, 0, len(ids), [0, *ref, 0], 0, 1, 1, even(ids))
        assert len(matched) == shared
        assert score == shared * 160 - cost


def test_extend_gapped_stops_at_the_drop() -> None:
    """Four gaps cost 28 bits and are bridged, five cost 35 and are not."""
    ref = [10 * k for k in range(1, 41)]
    for extra, bridged in ((4, True), (5, False)):
        ids = ref[:20] + [7] * extra + ref[20:]
        _, matched = check(ids, 0, len(ids), [0, *ref, 0], 0, 1, 1, even(ids))
        assert len(matched) == (40 if bridged else 20)
        theirs = [0, *ref[:20], *[7] * extra, *ref[20:], 0]
        _, matched = check(ref, 0, 40, theirs, 0, 1, 1, even(ref))
        assert len(matched) == (40 if bridged else 20)


def with_drift(inserted: int, kept: int = 4) -> tuple[list[int], list[int]]:
    """A text and its copy with a token inserted after every few."""
    ref = [10 * k for k in range(1, inserted * kept + 1)]
    copy = [t for k, t in enumerate(ref) for t in ([t, 3] if k % kept == kept - 1 else [t])]
    return ref, copy


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize("inserted", [BAND - 1, BAND, BAND + 1, 2 * BAND, 60])
def test_extend_gapped_keeps_within_the_band_where_tokens_are_missing(inserted: int, step: int) -> None:
    ref, copy = with_drift(inserted)
    start = (0, 1) if step > 0 else (len(ref) - 1, len(copy))
    _, matched = check(ref, 0, len(ref), [0, *copy, 0], *start, step, even(ref))
    drifts = [abs((r - start[1]) - (d - start[0])) for d, r in matched]
    assert max(drifts) == min(inserted - (step > 0), BAND)


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize("inserted", [BAND - 5, BAND + 6])
def test_extend_gapped_keeps_within_the_band_where_tokens_are_inserted(inserted: int, step: int) -> None:
    ref, copy = with_drift(inserted)
    start = (0, 1) if step > 0 else (len(copy) - 1, len(ref))
    check(copy, 0, len(copy), [0, *ref, 0], *start, step, even(copy))


@pytest.mark.parametrize("step", [1, -1])
def test_extend_gapped_long_texts_end_at_the_last_row(step: int) -> None:
    rng = random.Random(3)
    ids = [rng.randrange(1, 60_000) for _ in range(ROWS + 50)]
    start = (0, 1) if step > 0 else (len(ids) - 1, len(ids))
    _, matched = check(ids, 0, len(ids), [0, *ids, 0], *start, step)
    assert len(matched) == ROWS
    assert matched[-1] == start
