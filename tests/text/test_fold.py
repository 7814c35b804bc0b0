"""The shipped fold table against an independent statement of its rules."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator

import naive
import numpy as np
import pytest

from provscan.text.fold import SCRIPTS, load_fold
from provscan.text.tokens import ROOM

FOLD = [array.tolist() for array in load_fold()]
SINGLE = 1 << 21
CODE = 2 * SINGLE - 1  # a value without its script
ALPHABETS = ("LATIN", "GREEK", "CYRILLIC", "HEBREW", "ARABIC", "DEVANAGARI")


def characters() -> Iterator[tuple[str, str]]:
    """Characters of Unicode 3.2 whose category has not changed since, so that any Python gives the same answers."""
    for cp in range(0x110000):
        char = chr(cp)
        category = unicodedata.category(char)
        if category not in ("Cn", "Cs", "Co") and unicodedata.ucd_3_2_0.category(char) == category:
            yield char, category


def values(char: str) -> list[int]:
    return naive.values_of(ord(char), *FOLD)


def folded(char: str) -> str:
    """What a character becomes; a space for a separator."""
    return "".join(chr(v & SINGLE - 1) if v else " " for v in values(char))


def test_fold_shapes() -> None:
    index, pages, expansions = load_fold()
    assert index.shape == (0x1100,)
    assert index.dtype == pages.dtype == expansions.dtype == np.int32
    assert len(pages) == 256 * (index.max() + 1)
    assert index[0] == 0


def test_fold_values_are_well_formed() -> None:
    used = set()
    for cp in range(0x110000):
        value = FOLD[1][FOLD[0][cp >> 8] * 256 + (cp & 255)]
        parts = naive.values_of(cp, *FOLD)
        if value < -1:
            used.add(-value - 2)
            assert 2 <= len(parts) <= ROOM - 2
        for part in parts:
            assert part >= 0
            if part:
                assert part >> 22 < len(SCRIPTS)
                assert unicodedata.category(chr(part & SINGLE - 1))[0] in "LN"
    at, starts = 0, set()
    while at < len(FOLD[2]):
        starts.add(at)
        at += 1 + FOLD[2][at]
    assert at == len(FOLD[2])
    assert used == starts


def test_fold_ascii() -> None:
    for cp in range(128):
        char = chr(cp)
        assert folded(char) == (char.lower() if char.isalnum() else " ")


def test_fold_latin_letters_with_diacritics() -> None:
    seen = 0
    for char, category in characters():
        if category[0] == "L" and unicodedata.name(char).startswith("LATIN"):
            plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
            plain = "".join(c for c in plain if unicodedata.category(c)[0] != "M")
            if plain.isascii() and plain.isalnum():
                seen += 1
                assert folded(char) == plain
    assert seen > 500


def test_fold_full_width() -> None:
    for cp in range(0x21, 0x7F):
        assert values(chr(cp + 0xFEE0)) == values(chr(cp))


def test_fold_decimal_digits() -> None:
    seen = 0
    for char, _ in characters():
        digit = unicodedata.decimal(char, None)
        if digit is not None:
            seen += 1
            assert folded(char) == str(digit)
    assert seen > 200


def test_fold_drops_marks_and_format_characters() -> None:
    for char, category in characters():
        if category in ("Cf", "Mn", "Mc", "Me"):
            assert values(char) == []
    for char in "\u115f\u1160\u3164\uffa0\u034f":
        assert values(char) == []


def test_fold_punctuation_white_space_and_controls_separate() -> None:
    for char, category in characters():
        if category[0] in "PZ" or category == "Cc":
            assert not any(values(char)) and values(char)


def test_fold_nothing_for_surrogates_private_and_noncharacters() -> None:
    for cp in (0xD800, 0xDFFF, 0xE000, 0xFFFE, 0xFFFF, 0xF0000, 0x10FFFF):
        assert naive.values_of(cp, *FOLD) == [0]


def test_fold_unsegmented_scripts_stand_alone() -> None:
    for first, last, script in ((0x4E00, 0x9FA5, "han"), (0x3041, 0x3094, "kana"), (0x0E01, 0x0E30, "thai")):
        for cp in range(first, last + 1):
            for value in values(chr(cp)):
                assert value & SINGLE
                assert SCRIPTS[value >> 22] == script


def test_fold_segmented_scripts_form_words() -> None:
    for char, category in characters():
        name = unicodedata.name(char, "")
        if category[0] == "L" and name.split(" ")[0] in ALPHABETS:
            assert not any(value & SINGLE for value in values(char))
            assert not any(SCRIPTS[value >> 22] in ("han", "kana", "thai", "sea") for value in values(char))


def test_fold_hangul_syllables_stay_whole() -> None:
    for cp in (0xAC00, 0xB098, 0xD7A3):
        assert values(chr(cp)) == [cp | SCRIPTS.index("hangul") << 22]


@pytest.mark.parametrize(("char", "becomes"), [("㍿", "株式会社"), ("½", "1 2"), ("ﬁ", "fi"), ("ß", "ss"), ("™", "tm")])
def test_fold_expansions(char: str, becomes: str) -> None:
    assert folded(char) == becomes


@pytest.mark.parametrize(
    ("glyphs", "latin"), [("аеорсхуѕіј", "aeopcxysij"), ("ΑΒΕΖΚΜΝΟΡΤΧ", "abezkmnoptx"), ("оο", "oo")]
)
def test_fold_homoglyphs(glyphs: str, latin: str) -> None:
    assert "".join(map(folded, glyphs)) == latin


def unlike_their(form: Callable[[str], str]) -> list[str]:
    """Letters whose other form folds to other tokens; Hangul is not taken apart."""
    out = []
    for char, category in characters():
        if category[0] == "L" and not 0xAC00 <= ord(char) <= 0xD7A3:
            other = [value & CODE for c in form(char) for value in values(c)]
            if other != [value & CODE for value in values(char)]:
                out.append(char)
    return out


def test_fold_upper_case_like_lower_case() -> None:
    # Where one letter's capital is another's too (final sigma, dotless i, long s), the two need not be alike.
    assert not unlike_their(lambda c: c.upper() if c.upper().lower() == c else c)


def test_fold_composed_like_decomposed() -> None:
    assert not unlike_their(lambda c: unicodedata.normalize("NFD", c))
