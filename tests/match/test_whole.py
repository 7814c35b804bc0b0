"""Fingerprints and LSH bands: every equal text is found, nothing unequal is, and bands find what is similar."""

from __future__ import annotations

import random

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provscan.index.parameters import Parameters
from provscan.index.table import build_table
from provscan.index.tables import band_table
from provscan.match.hits import ALIGNMENT_COLUMNS, BLOCK_BEGIN, BLOCK_END, DOC, DOC_BEGIN, DOC_END, REF, SCORE
from provscan.match.whole import MOST_EQUAL, find_banded_hits, find_equal, look_up
from provscan.sketch.minhash import load_permutations
from provscan.sketch.seeds import find_seeds
from provscan.text.information import load_information

INFORMATION = load_information()
SINGLE, PAIRS = INFORMATION.single.tolist(), INFORMATION.pairs.tolist()
PARAMETERS = Parameters()


def stream(texts: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Token stream of references: a 0 before each and after the last; and where each starts."""
    offsets = np.cumsum([1, *(len(text) + 1 for text in texts)]).astype(np.uint32)
    tokens = np.zeros(int(offsets[-1]) + 64, np.uint16)
    for text, at in zip(texts, offsets.tolist(), strict=False):
        tokens[at : at + len(text)] = text
    return tokens, offsets


def chunk(texts: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    joined = np.array([token for text in texts for token in text] + [9] * 8, np.uint16)
    return joined, np.cumsum([0, *map(len, texts)]).astype(np.int64)


# ---- fingerprints ----------------------------------------------------------------------------------------------------


def test_look_up_finds_all_positions_and_keeps_to_its_room() -> None:
    hashes = np.array([5, 5, 5, 1 << 60, 77], np.uint64)
    table = build_table(hashes, np.array([3, 1, 2, 9, 4], np.uint32))
    out = np.full(4, -1, np.int64)
    assert look_up(np.uint64(5), *table, out) == 3
    assert out.tolist() == [1, 2, 3, -1]
    assert look_up(np.uint64(5), *table, out[:2]) == 2
    assert look_up(np.uint64(6), *table, out) == 0
    assert look_up(np.uint64(1 << 60), *table, out) == 1


def comp_equal(
    documents: list[list[int]], references: list[list[int]], prints: dict[tuple[int, ...], int], more_room: int
) -> list[tuple[int, int]]:
    """Pairs of document and reference, found with room for so many alignments more than the least."""
    ids, token_offsets = chunk(documents)
    tokens, offsets = stream(references)
    fingerprints = np.array([prints[tuple(text)] for text in documents], np.uint64)
    table = build_table(
        np.array([prints[tuple(text)] for text in references], np.uint64),
        np.arange(1, len(references) + 1, dtype=np.uint32),
    )
    room = MOST_EQUAL + more_room
    alignments, blocks = np.empty((room, ALIGNMENT_COLUMNS), np.int64), np.empty((room, 3), np.int32)
    nothing_known = np.zeros(8, np.uint8)
    scratch = [np.empty(len(ids) + 16, kind) for kind in (np.uint32, np.uint64, np.uint64, np.uint8, np.uint8)]
    found = []
    at = 0
    while at < len(documents):
        before = at
        at, n = find_equal(
            fingerprints,
            at,
            ids,
            token_offsets,
            *table,
            tokens,
            offsets,
            *INFORMATION,
            nothing_known,
            alignments,
            blocks,
            *scratch,
        )
        assert at > before, "each call has room for one document"
        for row in alignments[:n].tolist():
            doc, ref = row[DOC], row[REF]
            assert before <= doc < at
            assert row[BLOCK_END] == row[BLOCK_BEGIN] + 1
            assert blocks[row[BLOCK_BEGIN]].tolist() == [token_offsets[doc], offsets[ref], len(documents[doc])]
            assert (row[DOC_BEGIN], row[DOC_END]) == (token_offsets[doc], token_offsets[doc + 1])
            assert row[SCORE] == sum(naive.conditional_bits(SINGLE, PAIRS, documents[doc]))
            found.append((doc, ref))
    return found


texts = st.lists(st.lists(st.integers(1, 3), max_size=3), min_size=1, max_size=6)


@given(texts, texts, st.integers(1, 50), st.integers(0, 2))
def test_find_equal_finds_exactly_the_equal(
    documents: list[list[int]], references: list[list[int]], distinct: int, more_room: int
) -> None:
    """Also where other texts have the same fingerprint, and with room for the alignments of one document at a time."""
    prints = {tuple(text): (13 * sum(text) + 7 * len(text)) % distinct for text in documents + references}
    wanted = [(d, r) for d, one in enumerate(documents) for r, other in enumerate(references) if one == other and one]
    assert sorted(comp_equal(documents, references, prints, more_room)) == wanted


# ---- bands -----------------------------------------------------------------------------------------------------------


def seeds_of(texts: list[list[int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hashes, positions and documents of the seeds of texts."""
    ids, offsets = chunk(texts)
    room = len(ids) + 16
    hashes, positions, docs = np.empty(room, np.uint64), np.empty(room, np.uint32), np.empty(room, np.uint32)
    sums, rolling = np.empty(room, np.uint32), np.empty(room, np.uint64)
    n = 0
    for d in range(len(texts)):
        after, _ = find_seeds(
            ids,
            offsets[d],
            offsets[d + 1],
            INFORMATION.single,
            PARAMETERS.least,
            *PARAMETERS.limits,
            sums,
            rolling,
            hashes,
            positions,
            n,
        )
        docs[n:after] = d
        n = after
    return hashes[:n], positions[:n], docs[:n]


def banded_hits(
    documents: list[list[int]], references: list[list[int]], share: float = 1.0, room: int = 1 << 14
) -> list[tuple[int, int, int]]:
    """Document, reference and seed of each hit when so many of the documents' seeds are common.

    There is room for ``room`` hits; it is doubled for documents that have more.
    """
    ids, token_offsets = chunk(documents)
    tokens, offsets = stream(references)
    hashes, positions, docs = seeds_of(documents)
    common = np.zeros(len(hashes), np.uint8)
    for d in range(len(documents)):
        own = np.flatnonzero(docs == d)
        common[own[: round(share * len(own))]] = 1
    longest = max(map(len, documents + references)) + 16
    table = band_table(tokens, offsets, PARAMETERS)
    found = []
    at = 0
    while at < len(hashes):
        before = at
        hit_seeds, hit_positions = np.empty(room, np.uint32), np.empty(room, np.uint32)
        at, n = find_banded_hits(
            ids,
            token_offsets,
            hashes,
            docs,
            at,
            common,
            *table,
            tokens,
            offsets,
            PARAMETERS.banded_tokens,
            *load_permutations(),
            PARAMETERS.bands,
            PARAMETERS.rows,
            INFORMATION.single,
            PARAMETERS.least,
            *PARAMETERS.limits,
            np.empty(longest, np.uint32),
            np.empty(longest, np.uint32),
            np.empty(longest, np.uint64),
            np.empty(longest, np.uint64),
            np.empty(longest, np.uint32),
            hit_seeds,
            hit_positions,
        )
        assert at == len(hashes) or at == 0 or docs[at] != docs[at - 1], "a call ends with a document"
        assert (at == before) <= (n == 0), "what has no room is not given in part"
        for seed, position in zip(hit_seeds[:n].tolist(), hit_positions[:n].tolist(), strict=True):
            assert before <= seed < at
            assert ids[int(positions[seed])] == tokens[position], "a hit is a seed that both have"
            found.append((int(docs[seed]), int(np.searchsorted(offsets, position, "right")) - 1, seed))
        if at == before:
            room *= 2
    assert [doc for doc, *_ in found] == sorted(doc for doc, *_ in found), "hits are in the order of the documents"
    return found


def comp_banded(documents: list[list[int]], references: list[list[int]], share: float = 1.0) -> set[tuple[int, int]]:
    """Pairs of document and reference that get hits when so many of the documents' seeds are common."""
    return {(doc, ref) for doc, ref, _ in banded_hits(documents, references, share)}


def random_text(rng: random.Random, length: int) -> list[int]:
    return [rng.randrange(1, 0xC000) for _ in range(length)]


def edited(rng: random.Random, text: list[int], count: int) -> list[int]:
    out = list(text)
    for at in rng.sample(range(len(text)), count):
        out[at] = rng.randrange(1, 0xC000)
    return out


def test_find_banded_hits_finds_the_similar_only() -> None:
    rng = random.Random(1)
    references = [random_text(rng, length) for length in (64, 100, 200, 63, 150)]
    documents = [text[:-1] + [1] for text in references]
    documents += [random_text(rng, 100), edited(rng, references[1], 40)]
    # The reference of 63 tokens has no bands; nothing is like the last two documents.
    assert comp_banded(documents, references) == {(0, 0), (1, 1), (2, 2), (4, 4)}


@pytest.mark.parametrize(("share", "found"), [(0.0, False), (0.2, False), (0.3, True), (1.0, True)])
def test_find_banded_hits_only_where_seeds_are_common(share: float, found: bool) -> None:
    text = random_text(random.Random(2), 120)
    assert comp_banded([text], [text], share) == ({(0, 0)} if found else set())


def test_find_banded_hits_documents_below_the_length_for_bands() -> None:
    text = random_text(random.Random(3), PARAMETERS.banded_tokens)
    assert comp_banded([text, text[:-1]], [text, text[:-1]]) == {(0, 0)}


def test_find_banded_hits_takes_a_bounded_number_of_references() -> None:
    text = random_text(random.Random(4), 80)
    assert comp_banded([text], [text] * 30) == {(0, k) for k in range(16)}


def test_find_banded_hits_gives_the_same_with_any_room() -> None:
    rng = random.Random(5)
    references = [random_text(rng, 90) for _ in range(4)] * 5
    documents = [text[:-1] + [1] for text in references]
    wanted = banded_hits(documents, references)
    assert len({(doc, ref) for doc, ref, _ in wanted}) == 20 * 5
    for room in (1, 100, len(wanted) // 2, len(wanted) - 1, len(wanted)):
        assert banded_hits(documents, references, room=room) == wanted
