"""MinHash against its twin and against datasketch, bit for bit."""

from __future__ import annotations

import random

import naive
import numpy as np
import pytest
from datasketch import MinHash, MinHashLSH
from hypothesis import given
from hypothesis import strategies as st

from provscan.sketch.minhash import (
    NUM_PERM,
    SHINGLE,
    band_hashes,
    bands_and_rows,
    jaccard,
    load_permutations,
    minhash,
    shingle_hashes,
    signatures,
    to_datasketch,
)
from provscan.text.tokenizer import Tokenizer

A, B = load_permutations()
A_LIST, B_LIST = A.tolist(), B.tolist()
token_ids = st.integers(1, 65535)
hash32 = st.integers(0, naive.MASK32)


def comp_shingles(ids: list[int], before: int = 0) -> np.ndarray:
    out = np.full(max(1, len(ids)), 9, np.uint32)
    stream = np.array([3] * before + ids + [3] * 6, np.uint16)
    return out[: shingle_hashes(stream, before, before + len(ids), out)]


def comp_signature(hashes: list[int], extra: int = 0) -> np.ndarray:
    signature = np.zeros(NUM_PERM, np.uint32)
    minhash(np.array([*hashes, *[0] * extra], np.uint32), len(hashes), A, B, signature)
    return signature


def oracle(hashes: list[int]) -> MinHash:
    sketch = MinHash(num_perm=NUM_PERM, hashfunc=lambda h: h, scheme="affine32")
    for h in hashes:
        sketch.update(h)
    return sketch


@given(st.lists(token_ids, max_size=40), st.integers(0, 9))
def test_shingle_hashes_equal_twin(ids: list[int], before: int) -> None:
    assert comp_shingles(ids, before).tolist() == naive.shingle_hashes(ids)


@pytest.mark.parametrize("n", range(8))
def test_shingle_hashes_of_short_texts(n: int) -> None:
    found = comp_shingles(list(range(1, n + 1)))
    assert len(found) == (0 if n == 0 else max(1, n - SHINGLE + 1))
    assert found.tolist() == naive.shingle_hashes(list(range(1, n + 1)))


def test_shingle_hashes_short_text_is_not_the_padded_one() -> None:
    assert len({int(comp_shingles([1] * n)[0]) for n in range(1, 6)}) == 5


@given(st.lists(hash32, max_size=20))
def test_minhash_equals_twin(hashes: list[int]) -> None:
    assert comp_signature(hashes, extra=3).tolist() == naive.minhash(hashes, A_LIST, B_LIST)


@given(st.lists(hash32, max_size=20))
def test_minhash_equals_datasketch(hashes: list[int]) -> None:
    assert comp_signature(hashes).tolist() == oracle(hashes).hashvalues.tolist()


@pytest.mark.parametrize("hashes", [[], [0], [naive.MASK32], [0, naive.MASK32, 1, 1 << 31], [5] * 9])
def test_minhash_edges_equal_datasketch(hashes: list[int]) -> None:
    assert comp_signature(hashes).tolist() == oracle(hashes).hashvalues.tolist()


def test_load_permutations_are_datasketch_s() -> None:
    theirs = MinHash(num_perm=NUM_PERM, seed=1, scheme="affine32").permutations
    assert np.array_equal(np.asarray(theirs), np.array([A, B]))
    assert A.dtype == B.dtype == np.uint32
    assert (A & 1).all()


@given(st.lists(st.lists(token_ids, max_size=12), max_size=6))
def test_signatures_equal_twin(texts: list[list[int]]) -> None:
    """An empty text has all ones, and no text sees its neighbour's tokens or shingles."""
    ids = np.array([t for text in texts for t in text], np.uint16)
    offsets = np.cumsum([0, *map(len, texts)])
    out = np.zeros((len(texts), NUM_PERM), np.uint32)
    signatures(ids, offsets, A, B, np.empty(20, np.uint32), out)
    assert out.tolist() == naive.signatures(texts, A_LIST, B_LIST)


@given(st.lists(hash32, min_size=NUM_PERM, max_size=NUM_PERM), st.sampled_from([(9, 13), (20, 5), (128, 1), (1, 128)]))
def test_band_hashes_equal_twin(signature: list[int], shape: tuple[int, int]) -> None:
    out = np.zeros(shape[0], np.uint64)
    band_hashes(np.array(signature, np.uint32), *shape, out)
    assert out.tolist() == naive.band_hashes(signature, *shape)


def test_band_hashes_depend_on_the_band_and_only_on_its_rows() -> None:
    signature = np.zeros(NUM_PERM, np.uint32)
    before, after = np.zeros(9, np.uint64), np.zeros(9, np.uint64)
    band_hashes(signature, 9, 13, before)
    assert len(set(before.tolist())) == 9
    signature[3 * 13] = 1
    band_hashes(signature, 9, 13, after)
    assert np.flatnonzero(before != after).tolist() == [3]


def test_bands_and_rows_are_datasketch_s() -> None:
    assert bands_and_rows(0.8) == (9, 13)
    for threshold in (0.5, 0.8, 0.9):
        lsh = MinHashLSH(threshold=threshold, num_perm=NUM_PERM)
        assert bands_and_rows(threshold) == (lsh.b, lsh.r)


def test_jaccard() -> None:
    one = np.arange(128, dtype=np.uint32)
    assert jaccard(one, one) == 1.0
    assert jaccard(one, one + np.uint32(1)) == 0.0
    assert jaccard(one, np.where(one < 32, one, 0)) == 0.25


def test_jaccard_estimates_the_share_of_shingles() -> None:
    rng = random.Random(7)
    for share in (0.2, 0.5, 0.9):
        common = [rng.getrandbits(32) for _ in range(round(100 * share))]
        one, other = ([rng.getrandbits(32) for _ in range((100 - len(common)) // 2)] for _ in range(2))
        truth = len(common) / (len(common) + len(one) + len(other))
        found = jaccard(comp_signature(common + one), comp_signature(common + other))
        assert abs(found - truth) < 4 * (truth * (1 - truth) / NUM_PERM) ** 0.5
        assert found == oracle(common + one).jaccard(oracle(common + other))


def test_to_datasketch_finds_near_duplicates() -> None:
    rng = random.Random(8)
    texts = [[rng.randrange(1, 65536) for _ in range(120)] for _ in range(12)]
    lsh = MinHashLSH(threshold=0.8, num_perm=NUM_PERM)
    for k, ids in enumerate(texts):
        signature = comp_signature(comp_shingles(ids).tolist())
        sketch = to_datasketch(signature)
        assert sketch.hashvalues.tolist() == signature.tolist()
        assert sketch.jaccard(oracle(naive.shingle_hashes(ids))) == 1.0
        lsh.insert(k, sketch)
    for k, ids in enumerate(texts):
        near = [*ids]
        near[-1] ^= 1
        query = comp_signature(comp_shingles(near).tolist())
        assert lsh.query(to_datasketch(query)) == [k]
    assert lsh.query(to_datasketch(comp_signature([1, 2, 3]))) == []


# Pinned: an index holds these, so whoever changes them must raise parameters.ALGORITHM_VERSION.
@pytest.mark.parametrize(
    ("text", "shingle", "prefix", "band"),
    [
        (
            "We hold these truths to be self-evident",
            3268806918,
            [1068772736, 1232396832, 1306884141, 426844774],
            2279677702379849123,
        ),
        (
            "我们认为下面这些真理是不言而喻的",
            3912314106,
            [214204687, 19799000, 207668816, 175345756],
            16641638030398388800,
        ),
    ],
)
def test_signature_pinned(text: str, shingle: int, prefix: list[int], band: int) -> None:
    hashes = comp_shingles(Tokenizer()(text).ids.tolist())
    signature = comp_signature(hashes.tolist())
    bands = np.zeros(9, np.uint64)
    band_hashes(signature, 9, 13, bands)
    assert (int(hashes[0]), signature[:4].tolist(), int(bands[0])) == (shingle, prefix, band)
