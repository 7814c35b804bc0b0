"""How the fold table is made, and that the shipped one was made so."""

from __future__ import annotations

import unicodedata

import naive
import pytest

from provscan.text import make_fold
from provscan.text.fold import load_fold

CONFUSABLES = {
    "а": [{"c": "a"}],
    "В": [{"c": "B"}],
    "Ж": [{"c": "ж"}],
    "ш": [{"c": "w"}, {"c": "x"}],
    "—": [{"c": "l"}],
    "І": [{"c": "l"}],
    "ӏ": [{"c": "l"}],
    "з": [{"c": "3"}],
    "Η": [{"c": "H"}],  # Greek
    "η": [{"c": "n"}],
    "Н": [{"c": "H"}],  # Cyrillic
    "н": [{"c": "n"}],
}


@pytest.fixture(scope="module")
def built() -> list[list[int]]:
    """index, pages, expansions without any confusables."""
    pages, index, expansions = make_fold.build({})
    return [index.tolist(), pages.tolist(), expansions.tolist()]


def test_build_is_deterministic(built: list[list[int]]) -> None:
    pages, index, expansions = make_fold.build({})
    assert [index.tolist(), pages.tolist(), expansions.tolist()] == built


def test_build_gives_the_shipped_table_but_for_look_alikes(built: list[list[int]]) -> None:
    """Where the shipped table differs, it has an ASCII letter or digit that a confusable put there."""
    shipped = [array.tolist() for array in load_fold()]
    different = 0
    for cp in range(0x110000):
        if unicodedata.ucd_3_2_0.category(chr(cp)) == "Cn":
            continue
        ours, theirs = naive.values_of(cp, *built), naive.values_of(cp, *shipped)
        if ours != theirs:
            different += 1
            assert any(0 < value & 0x1FFFFF < 128 for value in theirs), hex(cp)
    assert 300 < different < 2000


def test_build_ascii_page_first(built: list[list[int]]) -> None:
    assert built[0][0] == 0
    assert [v & 0x1FFFFF for v in built[1][97:123]] == list(range(97, 123))


@pytest.mark.parametrize(
    ("char", "becomes"),
    [
        ("а", "a"),  # its own look
        ("в", "b"),  # its capital's
        ("Ж", "ж"),  # a look-alike that is not ASCII counts for nothing
        ("ш", "w"),  # the first that counts
        ("І", "i"),  # like capital I, which TR39 gives as l
        ("ӏ", "l"),
        ("з", "з"),  # a letter never becomes a digit
        ("Η", "h"),  # Greek follows the capital, other scripts the small letter
        ("η", "h"),
        ("ή", "h"),
        ("Н", "n"),
        ("н", "n"),
        ("é", "e"),
        ("ǆ", "dz"),
        ("٣", "3"),
        ("我", "我"),
        ("ﷺ", "صلى الله عليه وسلم"),
        ("가", "가"),
        ("ﾊ", "ハ"),
        ("\u0301", ""),
    ],
)
def test_fold_of_one_character(char: str, becomes: str) -> None:
    assert make_fold.fold(char, CONFUSABLES) == becomes


def test_prototype_only_of_letters() -> None:
    assert make_fold.prototype("—", CONFUSABLES) is None
    assert make_fold.prototype("a", {"a": [{"c": "o"}]}) is None
    assert make_fold.prototype("а", CONFUSABLES) == "a"


@pytest.mark.parametrize(
    ("char", "script"), [("a", 0), ("我", 1), ("か", 2), ("ﾊ", 2), ("한", 3), ("ไ", 4), ("ས", 5), ("я", 7), ("ａ", 0)]
)
def test_script(char: str, script: int) -> None:
    assert make_fold.script(char) == script


def test_value() -> None:
    assert make_fold.value("-", "-") == 0
    assert make_fold.value("a", "a") == ord("a")
    assert make_fold.value("我", "我") == ord("我") | make_fold.SINGLE | 1 << make_fold.SCRIPT_SHIFT
    assert make_fold.value("я", "я") == ord("я") | 7 << make_fold.SCRIPT_SHIFT
    assert make_fold.value("a", "а") == ord("a") | 7 << make_fold.SCRIPT_SHIFT  # a look-alike keeps its script
    assert make_fold.value("1", "๑") == ord("1") | 4 << make_fold.SCRIPT_SHIFT  # but does not stand alone
