"""Generate fold-pages.npy, fold-index.npy and fold-expansions.npy: what each Unicode code point becomes.

    python -m provscan.text.make_fold confusables.json

The input is the Unicode TR39 confusables as JSON, ``{character: [{"c": prototype}]}``, as the package
``confusable-homoglyphs`` ships it (3.3.1 was used); everything else comes from Python's ``unicodedata``.
The numbers are committed, so neither is needed at run time.

A code point's value (int32):

- 0: it separates tokens; -1: it is dropped (marks, format characters, other default ignorables);
- above 0: one folded code point in bits 0-20, bit 21 set if it is a token by itself, its script in bits 22-25;
- below -1: -value - 2 is a position in the expansions: a count, then that many values as above.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path

import numpy as np

SINGLE = 1 << 21
SCRIPT_SHIFT = 22
PAGE = 256
# Scripts as fold.SCRIPTS numbers them, by the first word of a character's name.
SCRIPT_OF_NAME = {
    "CJK": 1,
    "KANGXI": 1,
    "IDEOGRAPHIC": 1,
    "BOPOMOFO": 1,
    "HIRAGANA": 2,
    "KATAKANA": 2,
    "KATAKANA-HIRAGANA": 2,
    "HANGUL": 3,
    "THAI": 4,
    "LAO": 5,
    "KHMER": 5,
    "MYANMAR": 5,
    "TIBETAN": 5,
    "JAVANESE": 5,
    "BALINESE": 5,
    "ARABIC": 6,
    "CYRILLIC": 7,
    "GREEK": 8,
    "HEBREW": 9,
    "DEVANAGARI": 10,
}
UNSEGMENTED = {1, 2, 4, 5}
GREEK = 8
# Default ignorable letters and symbols that the general category does not show (Hangul fillers, Mongolian separators).
IGNORABLE = {0x115F, 0x1160, 0x3164, 0xFFA0, 0x180E, 0x034F, 0x2065, 0x17B4, 0x17B5}


def script(char: str) -> int:
    name = unicodedata.name(char, "")
    first = name.split(" ")[0]
    if first in ("HALFWIDTH", "FULLWIDTH"):
        first = name.split(" ")[1]
    return SCRIPT_OF_NAME.get(first, 0)


def is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LN"


def is_dropped(char: str) -> bool:
    return unicodedata.category(char)[0] == "M" or unicodedata.category(char) == "Cf" or ord(char) in IGNORABLE


def strip(text: str) -> str:
    """NFKD without marks and format characters; Hangul syllables stay whole."""
    out = []
    for char in text:
        if 0xAC00 <= ord(char) <= 0xD7A3:
            out.append(char)
        else:
            out.extend(c for c in unicodedata.normalize("NFKD", char) if not is_dropped(c))
    return "".join(out)


def prototype(char: str, confusables: dict[str, list[dict[str, str]]]) -> str | None:
    """The one ASCII letter that the letter is drawn like, if there is one."""
    if ord(char) < 128 or unicodedata.category(char)[0] != "L":
        return None
    for entry in confusables.get(char, ()):
        plain = strip(entry["c"]).casefold()
        if len(plain) == 1 and plain.isascii() and plain.isalpha():
            # TR39 draws a capital I as l; plain I folds to i, and so must what looks like it.
            return "i" if plain == "l" and char.isupper() else plain
    return None


def fold(char: str, confusables: dict[str, list[dict[str, str]]]) -> str:
    """The characters that stand for ``char`` in tokens; a space separates."""
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(int(digit))
    base = strip(char)
    plain = strip(base.casefold())
    if plain.isascii() or script(char) in UNSEGMENTED:
        return plain
    # A letter and its capital must fold alike, or Greek and Russian would change with their case: where both are
    # drawn like Latin letters, but different ones, Greek follows the capital (its small letters are the unlike ones)
    # and the other scripts, whose small letters are what homoglyph attacks use, the letter itself.
    small, capital = base.lower(), base.upper()
    for form in (capital, small) if script(char) == GREEK else (small, capital):
        if len(form) == 1 and (look := prototype(form, confusables)):
            return look
    return "".join(prototype(c, confusables) or c for c in plain)


def value(char: str, of: str) -> int:
    if not is_letter(char):
        return 0
    single = SINGLE if script(char) in UNSEGMENTED else 0
    return ord(char) | single | (script(char) or script(of)) << SCRIPT_SHIFT


def build(confusables: dict[str, list[dict[str, str]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.zeros(0x110000, np.int32)
    expansions: list[int] = []
    known: dict[tuple[int, ...], int] = {}
    for cp in range(0x110000):
        char = chr(cp)
        if 0xD800 <= cp <= 0xDFFF or unicodedata.category(char) in ("Cn", "Cc", "Co"):
            continue
        if is_dropped(char):
            table[cp] = -1
            continue
        values = [value(c, char) for c in fold(char, confusables)]
        if not any(values):
            continue
        if len(values) == 1:
            table[cp] = values[0]
            continue
        key = tuple(values)
        if key not in known:
            known[key] = len(expansions)
            expansions += [len(values), *values]
        table[cp] = -known[key] - 2
    pages, index = np.unique(table.reshape(-1, PAGE), axis=0, return_inverse=True)
    # The page of ASCII and Latin-1 comes first so that kernels find it at 0.
    first = int(index[0])
    order = np.r_[first, np.delete(np.arange(len(pages)), first)]
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return pages[order].ravel(), rank[index].astype(np.int32).ravel(), np.array(expansions, np.int32)


def main() -> None:
    confusables = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    here = Path(__file__).parent
    for name, array in zip(("pages", "index", "expansions"), build(confusables), strict=True):
        np.save(here / f"fold-{name}.npy", array, allow_pickle=False)
        print(name, array.shape, array.nbytes, "bytes")


if __name__ == "__main__":
    main()
