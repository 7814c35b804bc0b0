"""Information of tokens: the shipped tables, and the kernels against their twins."""

from __future__ import annotations

import random
from types import SimpleNamespace

import naive
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from provscan.text import make_information
from provscan.text.information import (
    PAIR_SLOTS,
    UNIT,
    Information,
    conditional,
    conditional_bits,
    load_information,
    pair_slot_tag,
)
from provscan.text.tokenizer import Tokenizer

SINGLE = load_information().single
PAIRS = load_information().pairs
SINGLE_LIST = SINGLE.tolist()
PAIRS_LIST = PAIRS.tolist()
token_ids = st.integers(0, 65535)


def test_information_shapes_and_ranges() -> None:
    assert (SINGLE.shape, SINGLE.dtype) == ((65536,), np.uint8)
    assert (PAIRS.shape, PAIRS.dtype) == ((PAIR_SLOTS,), np.uint16)
    assert SINGLE.min() > 0
    assert (PAIRS[PAIRS > 0] & 0xFF).min() >= UNIT  # discounts of less than a bit are left out


def test_information_common_words_carry_less() -> None:
    tokenizer = Tokenizer()
    common, rare, unseen = (int(SINGLE[tokenizer(word).ids[0]]) for word in ("the", "astronomy", "qzxvkwj"))
    assert common < 6 * UNIT < 9 * UNIT < rare <= unseen
    common, rare = (int(SINGLE[tokenizer(word).ids[0]]) for word in ("的", "鹦"))
    assert common < 6 * UNIT < 9 * UNIT < rare


def test_information_known_pair_carries_less_after_its_first() -> None:
    before, token = Tokenizer()("united states").ids.tolist()
    assert naive.conditional(SINGLE_LIST, PAIRS_LIST, before, token) < SINGLE_LIST[token] - 2 * UNIT


def test_information_digest_tells_tables_apart() -> None:
    digest = load_information().digest
    assert digest == Information(SINGLE.copy(), PAIRS.copy()).digest
    assert len(digest) == 16
    int(digest, 16)
    for table in (0, 1):
        arrays = [SINGLE.copy(), PAIRS.copy()]
        arrays[table][7] ^= 1
        assert Information(*arrays).digest != digest


@given(st.lists(st.tuples(token_ids, token_ids), min_size=1))
def test_pair_slot_tag_equals_twin(both: list[tuple[int, int]]) -> None:
    packed = np.array([before << 16 | token for before, token in both], np.uint32)
    slots, tags = pair_slot_tag(packed)
    assert list(zip(slots.tolist(), tags.tolist(), strict=True)) == [naive.pair_slot_tag(*pair) for pair in both]


@given(token_ids, token_ids)
def test_conditional_equals_twin(before: int, token: int) -> None:
    comp = conditional(SINGLE, PAIRS, np.uint16(before), np.uint16(token))
    assert comp == naive.conditional(SINGLE_LIST, PAIRS_LIST, before, token)


@given(token_ids, token_ids, st.integers(0, 255), st.integers(0, 255), st.booleans())
@example(0, 5, 200, 100, True)
@example(1, 5, 200, 100, True)
@example(65535, 65535, 50, 60, True)
def test_conditional_planted_pair(before: int, token: int, bits: int, discount: int, right_tag: bool) -> None:
    single, pairs = np.zeros(65536, np.uint8), np.zeros(PAIR_SLOTS, np.uint16)
    slot, tag = naive.pair_slot_tag(before, token)
    single[token] = bits
    pairs[slot] = (tag if right_tag else tag ^ 1) << 8 | discount
    comp = conditional(single, pairs, np.uint16(before), np.uint16(token))
    assert comp == (max(bits - discount, 1) if right_tag and before else bits)


@given(st.lists(token_ids, max_size=30))
def test_conditional_bits_equals_twin(ids: list[int]) -> None:
    out = np.full(len(ids) + 1, 99, np.uint8)
    conditional_bits(SINGLE, PAIRS, np.array(ids, np.uint16), out)
    assert out.tolist() == [*naive.conditional_bits(SINGLE_LIST, PAIRS_LIST, ids), 99]


@pytest.mark.parametrize(
    "text", ["", "one", "the United States of America", "我们认为这些真理是不言而喻的", "We hold these truths"]
)
def test_conditional_bits_of_text(text: str) -> None:
    ids = Tokenizer()(text).ids
    out = np.zeros(len(ids), np.uint8)
    conditional_bits(SINGLE, PAIRS, ids, out)
    assert out.tolist() == naive.conditional_bits(SINGLE_LIST, PAIRS_LIST, ids.tolist())
    assert (out <= SINGLE[ids]).all()


def test_count_of_tokens_pairs_and_documents() -> None:
    rng = random.Random(4)
    texts = [[rng.randrange(1, 6) for _ in range(rng.randrange(12))] for _ in range(20)]
    texts += [[], [3]]
    single, keys, n, docs = make_information.count(
        [str(k) for k in range(len(texts))],
        lambda k: SimpleNamespace(ids=np.array(texts[int(k)], np.uint16)),  # type: ignore[arg-type]
    )
    of = [(a << 16 | b, d) for d, ids in enumerate(texts) for a, b in zip(ids, ids[1:], strict=False)]
    pairs = [pair for pair, _ in of]
    assert single.tolist()[:6] == [sum(ids.count(t) for ids in texts) for t in range(6)]
    assert keys.tolist() == sorted(set(pairs))
    assert n.tolist() == [pairs.count(key) for key in keys.tolist()]
    assert docs.tolist() == [len({d for pair, d in of if pair == key}) for key in keys.tolist()]
