"""Several alignments of one document and reference: their score together, against its twin."""

from __future__ import annotations

import math

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provscan.match import hits
from provscan.match.evidence import TYPICAL, WHOLE, WHOLE_BITS, joint_score, needed, stamp

PLACE = st.tuples(st.integers(0, 200), st.integers(0, 200), st.integers(1, 60), st.integers(100, 2000))


def alignment(place: tuple[int, int, int, int]) -> dict[str, int]:
    doc, ref, length, score = place
    shift = ref - doc
    ends = {"doc_begin": doc, "doc_end": doc + length, "ref_begin": ref, "ref_end": ref + length}
    return ends | {"low": shift, "high": shift, "score": score}


def rows(alignments: list[dict[str, int]]) -> np.ndarray:
    out = np.zeros((len(alignments), hits.ALIGNMENT_COLUMNS), np.int64)
    for k, a in enumerate(alignments):
        for name, column in (
            ("score", hits.SCORE),
            ("doc_begin", hits.DOC_BEGIN),
            ("doc_end", hits.DOC_END),
            ("ref_begin", hits.REF_BEGIN),
            ("ref_end", hits.REF_END),
            ("low", hits.LOW),
            ("high", hits.HIGH),
        ):
            out[k, column] = a[name]
    return out


@given(st.lists(PLACE, min_size=1, max_size=6))
def test_joint_score_equals_twin(places: list[tuple[int, int, int, int]]) -> None:
    alignments = sorted(map(alignment, places), key=lambda a: -a["score"])
    score, share = joint_score(rows(alignments), np.arange(len(alignments)), 300, 400)
    ref, taken = naive.joint_score(alignments)
    doc = max(a["doc_end"] for a in taken) - min(a["doc_begin"] for a in taken)
    reference = max(a["ref_end"] for a in taken) - min(a["ref_begin"] for a in taken)
    assert score == ref
    assert share == pytest.approx(min(doc / 300, reference / 400))


def test_joint_score_of_an_edited_copy_and_of_two_places() -> None:
    one, near, far = alignment((0, 0, 20, 900)), alignment((40, 45, 20, 800)), alignment((40, 140, 20, 800))
    assert joint_score(rows([one, near]), np.arange(2), 100, 100)[0] == 900 + 800 - naive.JOINT
    assert joint_score(rows([one, far]), np.arange(2), 100, 200)[0] == 900


@pytest.mark.parametrize("tokens", [10, 299, 300, 301, 600, 4800])
def test_needed_grows_by_a_bit_with_each_doubling(tokens: int) -> None:
    bits = 1280 + round(16 * math.log2(tokens / TYPICAL))
    assert needed(1280, tokens, WHOLE - 0.01) == bits
    assert needed(1280, tokens, WHOLE) == bits - WHOLE_BITS


def test_stamp_counts_what_was_of_another_group() -> None:
    stamps = np.array([1, 2, 1, 0], np.int32)
    assert stamp(stamps[1:], 1) == 2
    assert stamps.tolist() == [1, 1, 1, 1]
