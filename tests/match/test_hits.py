"""From hits to alignments: planted copies are found, and the twin finds the same ones."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Container
from itertools import pairwise
from typing import Any, NamedTuple

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provscan.match import align, hits, weights
from provscan.sketch.phrases import filter_bytes, learn
from provscan.sketch.seeds import LONGEST
from provscan.text.information import PAIR_SLOTS, load_information

SINGLE, PAIRS = load_information()
SINGLE_LIST, PAIRS_LIST = SINGLE.tolist(), PAIRS.tolist()
NO_PAIRS = np.zeros(PAIR_SLOTS, np.uint16)
NO_PAIRS_LIST = NO_PAIRS.tolist()
ROW = np.zeros((2, align.WIDTH + 2), np.int64)
TRACE = np.zeros((align.ROWS + 1, align.WIDTH), np.uint8)
MATCHED = np.empty((align.ROWS, 2), np.int32)
TEN_BITS = np.full(65536, 160, np.uint8)
NOTHING = np.zeros(8, np.uint8)  # a filter that knows no phrase
ENOUGH_BLOCKS = 2 * align.ROWS + 500


class Case(NamedTuple):
    """Documents and references, and the seeds that they share: (document, index in ids, position in tokens)."""

    ids: list[int]
    token_offsets: list[int]
    hits: list[tuple[int, int, int]]
    tokens: list[int]
    ref_offsets: list[int]


def make_case(docs: list[list[int]], refs: list[list[int]], length: int = 2) -> Case:
    """Every run of ``length`` tokens is a seed."""
    ids = [t for doc in docs for t in doc]
    token_offsets = np.cumsum([0, *map(len, docs)]).tolist()
    tokens, ref_offsets = [0], [1]
    for ref in refs:
        tokens += [*ref, 0]
        ref_offsets.append(len(tokens))
    places = defaultdict(list)
    for j in range(1, len(tokens) - length):
        places[tuple(tokens[j : j + length])].append(j)
    found = [
        (d, i, j)
        for d, doc in enumerate(docs)
        for i in range(token_offsets[d], token_offsets[d + 1] - length + 1)
        for j in places.get(tuple(ids[i : i + length]), ())
    ]
    return Case(ids, token_offsets, found, tokens, ref_offsets)


def weighing(tokens: int) -> tuple[np.ndarray, ...]:
    """Scratch and output of `weights.weigh`, full of something else."""
    types = np.uint32, np.uint64, np.uint64, np.uint8, np.uint8
    return tuple(np.full(tokens + LONGEST + 1, 77, kind) for kind in types)


def comp_align(
    case: Case,
    pairs: np.ndarray = PAIRS,
    filters: tuple[np.ndarray, np.ndarray] = (NOTHING, NOTHING),
    single: np.ndarray = SINGLE,
    most_alignments: int = 1000,
    most_blocks: int = 1 << 16,
    most_candidates: int = hits.CANDIDATES,
) -> tuple[list[naive.Alignment], int]:
    """Alignments with what their columns say checked, and how many calls it took; buffers that are too small grow."""
    seeds = sorted({(d, i) for d, i, _ in case.hits})
    number = {seed: s for s, seed in enumerate(seeds)}
    seed_docs = np.array([d for d, _ in seeds], np.uint32)
    seed_positions = np.array([i for _, i in seeds], np.uint32)
    hit_seeds = np.array([number[d, i] for d, i, _ in case.hits], np.uint32)
    hit_positions = np.array([j for *_, j in case.hits], np.uint32)
    given_arrays = (
        np.array(case.ids, np.uint16),
        np.array(case.token_offsets, np.int64),
        *(seed_docs, seed_positions, hit_seeds, hit_positions),
    )
    index_arrays = np.array(case.tokens, np.uint16), np.array(case.ref_offsets, np.uint32), single, pairs, *filters
    diagonals = np.zeros((hits.DIAGONALS, 2), np.int64)
    candidates = np.zeros((most_candidates, hits.CANDIDATE_COLUMNS), np.int64)
    out: list[naive.Alignment] = []
    calls = at = 0
    while at < len(hit_seeds):
        alignments = np.full((most_alignments, hits.ALIGNMENT_COLUMNS), -9, np.int64)
        blocks = np.full((most_blocks, 3), -9, np.int32)
        buffers = alignments, blocks, diagonals, candidates, ROW, TRACE, MATCHED, *weighing(len(case.ids))
        after, n, n_blocks = hits.align_hits(*given_arrays, at, len(hit_seeds), *index_arrays, *buffers)
        calls += 1
        if after == at:
            most_alignments, most_blocks = 2 * most_alignments, 2 * most_blocks
            continue
        assert after == len(hit_seeds) or case.hits[after][0] != case.hits[after - 1][0]
        assert n_blocks <= most_blocks
        known = blocks[:n_blocks].tolist()
        out += [checked(row, known, case) for row in alignments[:n].tolist()]
        at = after
    return out, calls


def checked(row: list[int], blocks: list[list[int]], case: Case) -> naive.Alignment:
    """An alignment whose columns agree with its blocks, and whose blocks are really shared."""
    doc, ref, score, doc_begin, doc_end, ref_begin, ref_end, block_begin, block_end, low, high = row
    mine = [tuple(block) for block in blocks[block_begin:block_end]]
    assert mine
    assert score >= hits.KEEP
    assert (doc_begin, ref_begin) == mine[0][:2]
    assert (doc_end, ref_end) == (mine[-1][0] + mine[-1][2], mine[-1][1] + mine[-1][2])
    assert case.token_offsets[doc] <= doc_begin < doc_end <= case.token_offsets[doc + 1]
    assert case.ref_offsets[ref] <= ref_begin < ref_end <= case.ref_offsets[ref + 1] - 1
    shifts = [r - d for d, r, _ in mine]
    assert (low, high) == (min(shifts), max(shifts))
    for d, r, n in mine:
        assert n > 0
        assert case.ids[d : d + n] == case.tokens[r : r + n]
    for (d, r, n), (next_d, next_r, _) in pairwise(mine):
        assert d + n <= next_d and r + n <= next_r
        assert (d + n, r + n) != (next_d, next_r)
    return naive.Alignment(doc, ref, score, mine)  # type: ignore[arg-type]


def ref_align(case: Case, pairs: list[int], known: Container[int] = ()) -> list[naive.Alignment]:
    return naive.align_hits(*case, SINGLE_LIST, pairs, known)


def random_tokens(rng: random.Random, n: int) -> list[int]:
    return [rng.randrange(1, 65536) for _ in range(n)]


def edited(rng: random.Random, ids: list[int], substituted: float, inserted: float, deleted: float) -> list[int]:
    out = []
    for token in ids:
        if rng.random() < inserted:
            out.append(rng.randrange(1, 65536))
        if rng.random() >= deleted:
            out.append(rng.randrange(1, 65536) if rng.random() < substituted else token)
    return out


def summary(alignments: list[naive.Alignment]) -> list[tuple[int, int, int]]:
    return [(a.doc, a.ref, a.score) for a in alignments]


EDITS = [(0.0, 0.0, 0.0), (0.2, 0.0, 0.0), (0.0, 0.08, 0.0), (0.0, 0.0, 0.08), (0.15, 0.05, 0.05)]


@pytest.mark.parametrize("edits", EDITS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_align_hits_planted_copies(seed: int, edits: tuple[float, float, float]) -> None:
    """Each copy is found with its reference, from its first tokens to its last."""
    rng = random.Random(seed)
    refs = [random_tokens(rng, 60) for _ in range(6)]
    docs, planted = [], []
    for _ in range(8):
        source = rng.randrange(6)
        begin = rng.randrange(10)
        copy = edited(rng, refs[source][begin : begin + 50], *edits)
        before = random_tokens(rng, rng.randrange(30))
        docs.append([*before, *copy, *random_tokens(rng, rng.randrange(30))])
        planted.append((source, begin, len(before), len(copy)))
    docs.insert(4, random_tokens(rng, 50))
    planted.insert(4, (-1, 0, 0, 0))
    case = make_case(docs, refs)
    found, _ = comp_align(case)
    by_doc = defaultdict(list)
    for alignment in found:
        by_doc[alignment.doc].append(alignment)
    for d, (source, begin, at, size) in enumerate(planted):
        if source < 0:
            assert d not in by_doc
            continue
        best = max(by_doc[d], key=lambda a: a.score)
        assert best.ref == source
        first, last = best.blocks[0], best.blocks[-1]
        doc_at, ref_at = case.token_offsets[d] + at, case.ref_offsets[source] + begin
        assert doc_at <= first[0] <= doc_at + 6 and doc_at + size - 6 <= last[0] + last[2] <= doc_at + size
        assert ref_at <= first[1] <= ref_at + 6 and ref_at + 44 <= last[1] + last[2] <= ref_at + 50
        if not any(edits):
            assert best.blocks == [(doc_at, ref_at, 50)]
            copied = naive.weigh(case.ids[doc_at : doc_at + 50], SINGLE_LIST, PAIRS_LIST, ())
            assert best.score == copied[0][0] + sum(copied[1][1:])


@pytest.mark.parametrize("edits", EDITS, ids=str)
@pytest.mark.parametrize("seed", range(2))
def test_align_hits_equals_twin(seed: int, edits: tuple[float, float, float]) -> None:
    """Passages that two references share, that a document repeats or that it quotes in part are among them."""
    rng = random.Random(100 + seed)
    refs = [random_tokens(rng, 40) for _ in range(3)]
    refs.append(random_tokens(rng, 8) + edited(rng, refs[0][10:32], *edits) + random_tokens(rng, 8))
    docs = []
    for _ in range(4):
        parts = [edited(rng, rng.choice(refs)[(b := rng.randrange(15)) : b + 20], *edits) for _ in range(3)]
        docs.append([t for part in parts for t in [*random_tokens(rng, 4), *part]])
    docs.append(docs[0][:30] + docs[0][:30])
    case = make_case(docs, refs)
    found, _ = comp_align(case, NO_PAIRS)
    assert found
    assert summary(found) == summary(ref_align(case, NO_PAIRS_LIST))


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(2, 40))
def test_align_hits_equals_twin_on_repetitive_texts(seed: int, alphabet: int) -> None:
    rng = random.Random(seed)
    pool = random_tokens(rng, alphabet)
    docs = [[rng.choice(pool) for _ in range(rng.randrange(30))] for _ in range(3)]
    refs = [[rng.choice(pool) for _ in range(rng.randrange(1, 30))] for _ in range(3)]
    case = make_case(docs, refs, 3)
    assert summary(comp_align(case, NO_PAIRS)[0]) == summary(ref_align(case, NO_PAIRS_LIST))


@pytest.mark.parametrize("most_alignments", [1, 2, 3])
def test_align_hits_resumes(most_alignments: int) -> None:
    """Buffers that hold a document or two at a time give what large ones give."""
    rng = random.Random(21)
    refs = [random_tokens(rng, 50) for _ in range(4)]
    docs = [
        [t for ref in rng.sample(refs, rng.randrange(3)) for t in edited(rng, ref, 0.1, 0.05, 0.05)] for _ in range(12)
    ]
    case = make_case(docs, refs)
    whole, calls = comp_align(case)
    assert calls == 1 and len(whole) > 8
    parts, calls = comp_align(case, most_alignments=most_alignments, most_blocks=ENOUGH_BLOCKS)
    assert calls > 2
    assert parts == whole
    assert comp_align(case, most_alignments=1, most_blocks=7)[0] == whole


@pytest.mark.parametrize("most_candidates", [1, 2, 3])
def test_align_hits_more_candidates_than_fit(most_candidates: int) -> None:
    """Copies of different references are found however many candidates are weighed at a time."""
    rng = random.Random(22)
    refs = [random_tokens(rng, 30) for _ in range(7)]
    docs = [[t for ref in refs for t in [*random_tokens(rng, 5), *edited(rng, ref, 0.1, 0, 0)]] for _ in range(2)]
    case = make_case(docs, refs)
    whole, _ = comp_align(case)
    assert len(whole) == 14
    assert sorted(comp_align(case, most_candidates=most_candidates)[0]) == sorted(whole)


def test_align_hits_best_first() -> None:
    rng = random.Random(23)
    refs = [random_tokens(rng, n) for n in (10, 40, 20)]
    case = make_case([[t for ref in refs for t in [*ref, *random_tokens(rng, 9)]]], refs)
    assert [a.ref for a in comp_align(case)[0]] == [1, 2, 0]


def test_align_hits_copy_in_two_references() -> None:
    """Both have it, so that neither hides the other; a short one within a longer copy is explained by that."""
    rng = random.Random(24)
    ref = random_tokens(rng, 40)
    short = ref[10:20]
    case = make_case([ref], [ref, random_tokens(rng, 5) + ref, random_tokens(rng, 5) + short])
    assert sorted(a.ref for a in comp_align(case)[0]) == [0, 1]


def test_align_hits_below_what_is_kept() -> None:
    rng = random.Random(25)
    ref = [t for t in random_tokens(rng, 90) if SINGLE[t] >= 200 and t < naive.FIRST_CHARACTER][:20]
    for shared in (2, 3, 4, 8):
        case = make_case([random_tokens(rng, 9) + ref[5 : 5 + shared] + random_tokens(rng, 9)], [ref])
        found, _ = comp_align(case, NO_PAIRS)
        score = int(SINGLE[ref[5 : 5 + shared]].astype(int).sum())
        assert [a.score for a in found] == ([score] if score >= hits.GATE else [])


@pytest.mark.parametrize(("discount", "kept"), [(0, True), (90, True), (100, False), (150, False)])
def test_align_hits_expected_words_are_no_evidence(discount: int, kept: bool) -> None:
    """Eight tokens that carry much alone, and little each after the other: 40 bits are kept, 30 looked at."""
    ref = list(range(1, 9))
    pairs = NO_PAIRS.copy()
    for before, token in pairwise(ref):
        slot, tag = naive.pair_slot_tag(before, token)
        pairs[slot] = tag << 8 | discount
    case = make_case([[60_000, *ref, 60_001]], [ref])
    score = 8 * 160 - 7 * discount
    assert kept == (score >= hits.KEEP)
    assert summary(comp_align(case, pairs, single=TEN_BITS)[0]) == ([(0, 0, score)] if kept else [])


@pytest.mark.parametrize(("discount", "kept"), [(95, True), (100, False)])
def test_align_hits_second_gate(discount: int, kept: bool) -> None:
    """What is near an expected run counts for it only where the run passes by itself: 38 bits of its own."""
    ref, near = list(range(1, 9)), list(range(11, 16))
    single = TEN_BITS.copy()
    single[near] = 150  # less than 50 bits
    pairs = NO_PAIRS.copy()
    for before, token in pairwise(ref):
        slot, tag = naive.pair_slot_tag(before, token)
        pairs[slot] = tag << 8 | discount
    case = make_case([[60_000, *ref, 60_001, *near]], [[*ref, *near]])
    core = 8 * 160 - 7 * discount
    assert kept == (core >= hits.SECOND_GATE)
    expected = [(0, 0, core - align.GAP + 5 * 150)] if kept else []
    assert summary(comp_align(case, pairs, single=single)[0]) == expected
    assert summary(naive.align_hits(*case, single.tolist(), pairs.tolist())) == expected


def learnt(texts: list[list[int]], single: list[int] = SINGLE_LIST) -> tuple[np.ndarray, naive.Filter]:
    """A filter of all phrases of some texts, and its twin."""
    hashes = [h for text in texts for h in naive.phrase_hashes(text, single)]
    bits = np.zeros(filter_bytes(len(hashes)), np.uint8)
    learn(bits, np.array(hashes, np.uint64), len(hashes))
    return bits, naive.Filter(len(bits), hashes)


@pytest.mark.parametrize("edits", EDITS, ids=str)
@pytest.mark.parametrize("which", [0, 1])
def test_align_hits_of_known_phrases_equals_twin(which: int, edits: tuple[float, float, float]) -> None:
    """Parts of the references are known from either filter; some documents copy those, some copy the rest."""
    rng = random.Random(200 + which)
    refs = [random_tokens(rng, 40) for _ in range(3)]
    bits, known = learnt([ref[:20] for ref in refs])
    docs = []
    for _ in range(4):
        parts = [edited(rng, rng.choice(refs)[(b := rng.choice([0, 5, 20])) : b + 20], *edits) for _ in range(3)]
        docs.append([t for part in parts for t in [*random_tokens(rng, 4), *part]])
    case = make_case(docs, refs)
    found, _ = comp_align(case, PAIRS, (bits, NOTHING) if which else (NOTHING, bits))
    assert summary(found) == summary(ref_align(case, PAIRS_LIST, known))
    assert 0 < sum(a.score for a in found) < sum(a.score for a in comp_align(case, PAIRS)[0])


@pytest.mark.parametrize("edits", [(0.0, 0.0, 0.0), (0.1, 0.02, 0.02), (0.2, 0.05, 0.05)], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_align_hits_beyond_the_window_equals_twin(seed: int, edits: tuple[float, float, float]) -> None:
    """Copies that are longer than what is weighed first, with gaps and known phrases where that ends."""
    rng = random.Random(300 + seed)
    refs = [random_tokens(rng, 5 * hits.WINDOW) for _ in range(2)]
    bits, known = learnt([ref[a : a + 25] for ref in refs for a in range(20, 5 * hits.WINDOW, 60)])
    docs = [
        [*random_tokens(rng, 150), *edited(rng, refs[0], *edits), *random_tokens(rng, 150)],
        [t for k in range(4) for t in [*edited(rng, refs[k % 2][100 * k :][:80], *edits), *random_tokens(rng, 9)]],
        edited(rng, refs[1][50:300], *edits),
    ]
    case = make_case(docs, refs, 3)
    found, _ = comp_align(case, PAIRS, (NOTHING, bits))
    assert {a.doc for a in found} == {0, 1, 2}
    assert summary(found) == summary(ref_align(case, PAIRS_LIST, known))


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("beyond", [-hits.EDGE - 2, -hits.EDGE, -2, -1, 0, 1, 2, 20])
def test_align_hits_ends_where_the_window_does(beyond: int, side: int) -> None:
    """A gap, and then copied text up to some tokens before or beyond the end of what is weighed first."""
    rng = random.Random(28)
    ref = random_tokens(rng, 20 + hits.WINDOW + beyond)
    copy = [*ref[:20], 9, *ref[20:]]
    doc = [*random_tokens(rng, 200), *copy, *random_tokens(rng, 200)]
    if side < 0:
        ref, doc = ref[::-1], doc[::-1]
    case = make_case([doc], [ref])
    for few in (case, case._replace(hits=case.hits[:5]), case._replace(hits=case.hits[-5:])):
        found, _ = comp_align(few, NO_PAIRS)
        assert summary(found) == summary(ref_align(few, NO_PAIRS_LIST))
        assert sum(n for *_, n in found[0].blocks) == len(ref)


def test_align_hits_what_is_known_from_both_filters_is_no_evidence() -> None:
    """Half of a copy is boilerplate and the other half is background: only what joins them is worth something."""
    rng = random.Random(26)
    ref = random_tokens(rng, 40)
    case = make_case([[*random_tokens(rng, 5), *ref, *random_tokens(rng, 5)], ref[:20]], [ref])
    first, second = learnt([ref[:20]])[0], learnt([ref[20:]])[0]
    assert [a.doc for a in comp_align(case)[0]] == [0, 1]
    assert [a.doc for a in comp_align(case, filters=(first, NOTHING))[0]] == [0]
    assert [a.doc for a in comp_align(case, filters=(NOTHING, second))[0]] == [0, 1]
    assert comp_align(case, filters=learnt([ref])[:1] * 2)[0] == []
    assert max((a.score for a in comp_align(case, filters=(first, second))[0]), default=0) < 2 * hits.KEEP


def test_align_hits_known_phrases_leave_each_document_its_own() -> None:
    """Worth is written for one document after the other in the same buffers."""
    rng = random.Random(27)
    refs = [random_tokens(rng, 30) for _ in range(3)]
    bits, known = learnt([refs[1]])
    docs = [refs[0], refs[1], refs[2], refs[1][:15] + refs[0][:15]]
    case = make_case(docs, refs)
    found, _ = comp_align(case, PAIRS, (bits, NOTHING))
    assert [(a.doc, a.ref) for a in found] == [(0, 0), (2, 2), (3, 0)]
    assert summary(found) == summary(ref_align(case, PAIRS_LIST, known))
    alone, linked = naive.weigh(refs[0], SINGLE_LIST, PAIRS_LIST, ())
    assert found[0].score == alone[0] + sum(linked[1:])


def test_align_hits_known_tokens_are_worth_half_a_bit() -> None:
    """A copy of which all but the last three tokens are known; the phrase after them begins in what is known."""
    ref = list(range(1, 13))
    single = np.full(65536, 200, np.uint8)
    bits, _ = learnt([ref[:9]], single.tolist())  # two tokens carry 25 bits
    case = make_case([ref, ref[:9]], [ref])
    ((doc, _, score, _),) = comp_align(case, NO_PAIRS, (NOTHING, bits), single)[0]
    assert (doc, score) == (0, 200 + 8 * weights.KNOWN + 3 * 200)


def test_align_hits_of_no_hits() -> None:
    case = make_case([[1, 2, 3], []], [[4, 5, 6]])
    assert case.hits == []
    assert comp_align(case) == ([], 0)


@pytest.mark.parametrize("edits", EDITS, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_align_candidate_equals_twin(seed: int, edits: tuple[float, float, float]) -> None:
    """With pairs: score exactly, blocks as shared runs in order."""
    rng = random.Random(seed)
    ref = random_tokens(rng, 60)
    copy = edited(rng, ref[:28], *edits) + ref[28:33] + edited(rng, ref[33:], *edits)
    ids, tokens = [*random_tokens(rng, 5), *copy, *random_tokens(rng, 5)], [0, *ref, 0]
    begin = next(k for k in range(len(ids)) if ids[k : k + 5] == ref[28:33])
    worth = naive.weigh(ids, SINGLE_LIST, PAIRS_LIST, ())
    score = naive.part_scores(ids, begin, begin + 5, tokens, 29 - begin, *worth)[-1]
    candidate = naive.Candidate(score, begin, begin + 5, 29 - begin)
    blocks = np.zeros((ENOUGH_BLOCKS, 3), np.int32)
    arrays: Any = np.array(ids, np.uint16), 2, len(ids) - 1, np.array(tokens, np.uint16), np.array(candidate, np.int64)
    alone, linked = (np.array(w, np.uint8) for w in worth)
    found, n = hits.align_candidate(*arrays, alone, linked, ROW, TRACE, MATCHED, blocks, 3)
    expected, ref_blocks = naive.align_candidate(ids, 2, len(ids) - 1, tokens, candidate, *worth)
    assert found == expected
    assert not blocks[:3].any()
    assert sum(block[2] for block in blocks[3:n].tolist()) == sum(block[2] for block in ref_blocks)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=9), st.data())
def test_find_reference_equals_twin(lengths: list[int], data: st.DataObject) -> None:
    offsets = np.cumsum([1, *lengths]).tolist()
    position = data.draw(st.integers(1, offsets[-1] - 1))
    found = hits.find_reference(np.array(offsets, np.uint32), position)
    assert offsets[found] <= position < offsets[found + 1]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.integers(0, 2)), max_size=20))
def test_add_block_equals_twin(steps: list[tuple[bool, int, int]]) -> None:
    d = r = 0
    matched = []
    for on, skip, theirs in steps:
        d, r = (d + 1, r + 1) if on else (d + 1 + skip, r + 1 + theirs)
        matched.append((d, r))
    blocks = np.zeros((30, 3), np.int32)
    blocks[1] = [0, 0, 1]  # another alignment's last block, which the first pair would continue
    n = 2
    for pair in matched:
        n = hits.add_block(blocks, n, 2, *pair)
    assert [tuple(block) for block in blocks[2:n].tolist()] == naive.blocks_of(matched)
    assert blocks[1].tolist() == [0, 0, 1]
