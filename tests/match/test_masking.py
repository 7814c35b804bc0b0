"""Masking: the kernel against its twin, and what is a placeholder."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provscan.match.masking import masked_tokens

PIECES = [
    "[NAME]",
    "[]",
    "[",
    "]",
    "<EMAIL>",
    "<",
    "{X}",
    "【姓名】",
    "【】",
    "***",
    "**",
    "####",
    "__",
    "XXX",
    "XX",
    "X",
    "xxy",
]
PIECES += ["■■", "○", "某某", "某", "××", "×", "word", "два", "中", "，", " ", ", ", "é", "[" + "a" * 40 + "]"]


def comp(gap: bytes, missing: int) -> int:
    # Letters around the gap, which must not be looked at.
    buf = np.frombuffer(b"X]" + gap + b"X]", np.uint8)
    return int(masked_tokens(buf, 2, 2 + len(gap), missing))


@given(st.lists(st.sampled_from(PIECES), max_size=6), st.integers(1, 9))
def test_masked_tokens_equals_twin(pieces: list[str], missing: int) -> None:
    gap = "".join(pieces).encode()
    assert comp(gap, missing) == naive.masked_tokens(gap, missing)


@given(st.binary(max_size=60), st.integers(1, 9))
def test_masked_tokens_of_any_bytes(gap: bytes, missing: int) -> None:
    assert comp(gap, missing) == naive.masked_tokens(gap, missing)


@pytest.mark.parametrize("gap", [" [NAME] ", "<EMAIL>", " *** ", "XXX", "■■■", "张某某"[1:], "【姓名】", "××", "{{x}}"])
def test_masked_tokens_placeholders(gap: str) -> None:
    """A placeholder that stands alone masks all that the document lacks."""
    assert comp(gap.encode(), 3) == 3


@pytest.mark.parametrize("gap", ["", " ", " other ", "**", "__init__", "Xerox", "X", "[]", "é", "其他", "×"])
def test_masked_tokens_what_is_none(gap: str) -> None:
    assert comp(gap.encode(), 3) == 0


def test_masked_tokens_among_words_mask_one_each() -> None:
    assert comp(b" *** other [NAME] words ", 5) == 2
    assert comp(b" *** other [NAME] words ", 1) == 1
