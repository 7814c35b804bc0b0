"""Phrases that many references have: counted and learnt as by the twins, and which of them are boilerplate."""

from __future__ import annotations

import random
from collections import Counter

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provscan.index.parameters import Parameters
from provscan.index.tables import (
    BOILERPLATE,
    BOILERPLATE_SHARE,
    MOST_COUNTED,
    SAME_TEXT,
    common_phrases,
    count_phrases,
    drop_repeats,
    expected_seeds,
    first_copies,
    learn_counted,
    stream_seeds,
)
from provscan.sketch.phrases import filter_bytes, knows
from provscan.sketch.seeds import LONGEST
from provscan.text.information import load_information

SINGLE = load_information().single
SINGLE_LIST = SINGLE.tolist()
Texts = list[list[int]]


def stream(texts: Texts) -> tuple[np.ndarray, np.ndarray]:
    """Token stream of references: a 0 before each and after the last; and where each starts."""
    offsets = np.cumsum([1, *(len(text) + 1 for text in texts)]).astype(np.uint32)
    tokens = np.zeros(int(offsets[-1]) + 64, np.uint16)
    for text, at in zip(texts, offsets.tolist(), strict=False):
        tokens[at : at + len(text)] = text
    return tokens, offsets


def scratch(texts: Texts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    room = max(map(len, texts), default=0) + LONGEST + 1
    return np.full(room, 99, np.uint32), np.full(room, 99, np.uint64), np.full(room, 99, np.uint64)


def comp_counts(texts: Texts, single: np.ndarray, size: int, chosen: list[int] | None = None) -> np.ndarray:
    references = np.arange(len(texts)) if chosen is None else np.array(chosen, np.int64)
    counts = np.zeros(size, np.uint16)
    count_phrases(*stream(texts), references, single, *scratch(texts), counts, np.zeros(size, np.uint32))
    return counts


def comp_common(texts: Texts, fingerprints: list[int] | None = None) -> np.ndarray:
    """The filter, every text of its own fingerprint unless they are given."""
    prints = np.array(range(len(texts)) if fingerprints is None else fingerprints, np.uint64)
    return common_phrases(*stream(texts), prints)


def hashes_of(*texts: list[int]) -> list[int]:
    return [h for ids in texts for h in naive.phrase_hashes(ids, SINGLE_LIST) if h]


def known_share(bits: np.ndarray, hashes: list[int]) -> float:
    return sum(bool(knows(bits, np.uint64(h))) for h in hashes) / len(hashes)


def random_tokens(rng: random.Random, n: int) -> list[int]:
    return [rng.randrange(1, 65536) for _ in range(n)]


references = st.lists(st.lists(st.integers(1, 4), max_size=20), max_size=8)


# ---- counting --------------------------------------------------------------------------------------------------------


@given(references, st.sampled_from([1024, 4096]))
def test_count_phrases_equals_twin(texts: Texts, size: int) -> None:
    ref = naive.count_phrases(texts, SINGLE_LIST, size)
    assert comp_counts(texts, SINGLE, size)[1:].tolist() == ref[1:]


def test_count_phrases_counts_phrases_only() -> None:
    texts = [[1, 2, 3, 4, 5]] * 9
    assert comp_counts(texts, SINGLE, 1024).tolist() == naive.count_phrases(texts, SINGLE_LIST, 1024)


def test_count_phrases_of_the_references_that_are_named() -> None:
    rng = random.Random(1)
    texts = [random_tokens(rng, 20) for _ in range(6)]
    ref = naive.count_phrases([texts[1], texts[4]], SINGLE_LIST, 1024)
    assert comp_counts(texts, SINGLE, 1024, [1, 4])[1:].tolist() == ref[1:]
    assert not comp_counts(texts, SINGLE, 1024, []).any()


def test_count_phrases_does_not_reach_over_references() -> None:
    """No phrase of two references; the 0 between them is no token."""
    texts = [[1], [2], [3, 4], []]
    single = np.full(65536, 255, np.uint8)
    assert comp_counts(texts, single, 1024)[1:].sum() == 1


def test_count_phrases_saturates() -> None:
    texts = [[1] * 300] * 3
    single = np.full(65536, 255, np.uint8)
    (h,) = set(naive.phrase_hashes([1, 1], single.tolist())) - {0}
    counts = np.full(1024, MOST_COUNTED - 2, np.uint16)
    count_phrases(*stream(texts), np.arange(3), single, *scratch(texts), counts, np.zeros(1024, np.uint32))
    assert counts[h % 1024] == MOST_COUNTED == 65535


@given(references, st.integers(1, 6))
def test_learn_counted_equals_twin(texts: Texts, least: int) -> None:
    counts = naive.count_phrases(texts, SINGLE_LIST, 1024)
    ref = naive.learn_counted(texts, SINGLE_LIST, counts, least)
    arrays = *stream(texts), np.arange(len(texts)), SINGLE, *scratch(texts), np.array(counts, np.uint16), least
    assert learn_counted(*arrays, np.zeros(0, np.uint8)) == len(ref)
    bits = np.zeros(64, np.uint8)
    assert learn_counted(*arrays, bits) == len(ref)
    assert bits.tolist() == naive.Filter(64, ref).bytes()


# ---- boilerplate -----------------------------------------------------------------------------------------------------


def test_common_phrases_learns_a_template_of_many_texts() -> None:
    """125 texts that are a template but for a few words; every phrase of the template is learnt, and few others."""
    rng = random.Random(2)
    head, tail = random_tokens(rng, 30), random_tokens(rng, 20)
    own = [random_tokens(rng, 10) for _ in range(125)]
    bits = comp_common([head + mine + tail for mine in own])
    assert known_share(bits, hashes_of(head, tail)) == 1
    assert known_share(bits, hashes_of(*own)) < 0.03


def test_common_phrases_are_those_of_the_twins() -> None:
    rng = random.Random(3)
    parts = [random_tokens(rng, 12) for _ in range(12)]
    texts = [[t for part in rng.sample(parts, 3) for t in [*part, *random_tokens(rng, 3)]] for _ in range(70)]
    tokens, _ = stream(texts)
    counts = naive.count_phrases(texts, SINGLE_LIST, 1 << max(10, len(tokens).bit_length() + 2))
    ref = naive.learn_counted(texts, SINGLE_LIST, counts, BOILERPLATE)
    bits = comp_common(texts)
    assert 0 < len(set(ref)) < len(set(hashes_of(*texts))) / 2
    assert bits.tolist() == naive.Filter(filter_bytes(len(ref) // BOILERPLATE), ref).bytes()


@pytest.mark.parametrize(("count", "known"), [(BOILERPLATE - 1, 0), (BOILERPLATE, 1), (BOILERPLATE + 1, 1)])
def test_common_phrases_of_as_many_references_as_it_takes(count: int, known: int) -> None:
    rng = random.Random(4)
    passage = random_tokens(rng, 12)
    texts = [passage + [k + 1] for k in range(count)]
    assert known_share(comp_common(texts), hashes_of(passage)) == known


@pytest.mark.parametrize("spread", [3, 5])
def test_common_phrases_leave_what_few_references_share(spread: int) -> None:
    """Sixty models' answers to the same prompt: passages that a few of many references have."""
    rng = random.Random(5)
    passages = [random_tokens(rng, 20) for _ in range(20)]
    texts = [passage + random_tokens(rng, 20) for passage in passages for _ in range(spread)]
    assert known_share(comp_common(texts), hashes_of(*passages)) < 0.1  # two of them may share a counter


def test_common_phrases_of_a_share_of_many_references() -> None:
    """Of 3,000 references it takes more than of a few: what 20 share is no boilerplate, what 60 share is."""
    rng = random.Random(6)
    least = round(3000 * BOILERPLATE_SHARE)
    few, many = [random_tokens(rng, 12) for _ in range(10)], random_tokens(rng, 12)
    texts = [random_tokens(rng, 3) + passage for passage in few for _ in range(least * 2 // 3)]
    texts += [random_tokens(rng, 3) + many for _ in range(least * 2)]
    texts += [random_tokens(rng, 9) for _ in range(3000 - len(texts))]
    assert least * 2 // 3 > BOILERPLATE
    bits = comp_common(texts)
    assert known_share(bits, hashes_of(many)) == 1
    assert known_share(bits, hashes_of(*few)) < 0.1  # some share a counter with others


def test_common_phrases_the_same_text_counts_once() -> None:
    """The same text sixty times is one; with as many others as it takes but one, it is boilerplate."""
    rng = random.Random(70)
    passage = random_tokens(rng, 12)
    same = [passage] * 60
    assert not comp_common(same, [9] * 60).any()
    others = [passage + [k + 1] for k in range(BOILERPLATE - 1)]
    few = comp_common(same + others[1:], [9] * 60 + list(range(100, 98 + BOILERPLATE)))
    assert known_share(few, hashes_of(passage)) == 0
    enough = comp_common(same + others, [9] * 60 + list(range(100, 99 + BOILERPLATE)))
    assert known_share(enough, hashes_of(passage)) == 1


def test_common_phrases_a_reference_that_repeats_itself_counts_once() -> None:
    """The refrain of one song stands in one reference."""
    rng = random.Random(8)
    refrain = random_tokens(rng, 12)
    song = [t for _ in range(BOILERPLATE) for t in [*random_tokens(rng, 12), *refrain]]
    assert known_share(comp_common([song, random_tokens(rng, 50)]), hashes_of(refrain)) == 0


@pytest.mark.parametrize("texts", [[], [[]], [[], [], []], [[1]], [[1]] * 40], ids=str)
def test_common_phrases_of_next_to_nothing(texts: Texts) -> None:
    bits = comp_common(texts)
    assert (bits.dtype, bits.tolist()) == (np.uint8, [0] * 8)


def test_common_phrases_of_texts_without_phrases_beside_others() -> None:
    rng = random.Random(9)
    passage = random_tokens(rng, 12)
    texts = [[], *([passage + [k + 1], []][k % 2] for k in range(2 * BOILERPLATE + 2)), []]
    texts += [[*random_tokens(rng, 2), *passage] for _ in range(BOILERPLATE)]
    assert known_share(comp_common(texts), hashes_of(passage)) == 1


# ---- sizes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high"), [(1, 0xC000), (0xC000, 65536), (1, 65536)], ids=["words", "characters", "both"]
)
def test_expected_seeds_are_about_those_that_come(low: int, high: int) -> None:
    """Tokens of so much information that nearly each begins a seed."""
    rng = random.Random(10)
    parameters = Parameters()
    texts = [[rng.randrange(low, high) for _ in range(100)] for _ in range(50)]
    limits = tuple(map(int, parameters.limits))
    found = [naive.find_seeds(text, [255] * 65536, parameters.least, *limits)[0] for text in texts]
    assert expected_seeds(stream(texts)[0], parameters) == pytest.approx(sum(map(len, found)), rel=0.08)


def test_expected_seeds_by_kind() -> None:
    tokens = np.array([1, 0xBFFF] * 8 + [0xC000, 65535] * 8, np.uint16)
    parameters = Parameters(word_scaled=2, character_scaled=4)
    assert expected_seeds(tokens, parameters) == 16 // 2 + 16 // 4
    assert expected_seeds(tokens[:0], parameters) == 0


# ---- seeds of the references that are kept ---------------------------------------------------------------------------


@given(st.lists(st.tuples(st.lists(st.integers(1, 9), max_size=12), st.booleans()), max_size=8), st.integers(13, 60))
def test_stream_seeds_equals_twin(references: list[tuple[list[int], bool]], room: int) -> None:
    """As many references at a time as fit, and none from those that are not kept."""
    texts = [text for text, _ in references]
    tokens, offsets = stream(texts)
    kept = np.array([keep for _, keep in references], bool)
    single = np.full(65536, 200, np.uint8)
    wanted = [
        (h, int(offsets[r]) + i)
        for r, (text, keep) in enumerate(references)
        if keep
        for h, i in naive.drop_repeats(naive.find_seeds(text, single.tolist(), 400, naive.MASK64 // 2, 0)[0])
    ]
    sums, rolling, _ = scratch(texts)
    limits = np.int64(400), np.uint64(naive.MASK64 // 2), np.uint64(0)
    found, first = [], 0
    while first < len(texts):
        hashes, positions = np.empty(room, np.uint64), np.empty(room, np.uint32)
        buffers = sums, rolling, hashes, positions
        after, n = stream_seeds(tokens, offsets, kept, first, len(texts), single, *limits, *buffers)
        assert after > first
        found += zip(hashes[:n].tolist(), positions[:n].tolist(), strict=True)
        first = after
    assert found == wanted


def test_drop_repeats_of_a_text_in_a_loop() -> None:
    """A text that says one thing a hundred times has the seeds of saying it once or twice."""
    rng = random.Random(11)
    once = random_tokens(rng, 20)
    all_seeds = naive.find_seeds(once * 100, SINGLE_LIST, 480, naive.MASK64, naive.MASK64)[0]
    ref = naive.drop_repeats(all_seeds)
    hashes = np.array([h for h, _ in all_seeds], np.uint64)
    positions = np.array([i for _, i in all_seeds], np.uint32)
    n = drop_repeats(hashes, positions, 0, len(hashes))
    assert list(zip(hashes[:n].tolist(), positions[:n].tolist(), strict=True)) == ref
    assert n <= 40 < len(all_seeds) / 20


@given(st.lists(st.integers(0, 3), max_size=3 * SAME_TEXT))
def test_first_copies_are_the_first_of_each_text(fingerprints: list[int]) -> None:
    seen: Counter[int] = Counter()
    wanted = []
    for h in fingerprints:
        wanted.append(seen[h] < SAME_TEXT)
        seen[h] += 1
    assert first_copies(np.array(fingerprints, np.uint64)).tolist() == wanted
