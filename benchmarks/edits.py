"""Edits of a reference, each with the words that it keeps: what spans are held against.

An edit is called with a text, its language and a seeded `random.Random`; it returns an `Edited`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

UNITS = {"en": re.compile(r"\w+"), "zh": re.compile(r"[\u3400-\u9fff]")}
"""What is counted, replaced and dropped: words, and in Chinese characters."""
PIECES = {"en": UNITS["en"], "zh": re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")}
"""What an edit keeps or not: the units, and in Chinese also words and numbers in Latin script, which stay."""
PAIRS = {"en": UNITS["en"], "zh": re.compile(r"[\u3400-\u9fff]{1,2}|[^\W\u3400-\u9fff]+")}
HAN = re.compile(r"[\u3400-\u9fff]")
PLACEHOLDERS = {"en": ("[NAME]", "***", "<MASK>", "XXX", "[REDACTED]"), "zh": ("某某", "***", "[姓名]", "××")}
SENTENCES = {"en": re.compile(r"\S.*?(?:[.!?](?=\s)|$)", re.S), "zh": re.compile(r"[^。！？]+[。！？]?")}
DISGUISED = 0.4
"""Share of words that a disguise touches."""
LATIN, LOOKALIKE = "aceiopxyABCEHKMOPTX", "асеіорхуАВСЕНКМОРТХ"
LOOKALIKES = str.maketrans(LATIN, LOOKALIKE)


class Kept(NamedTuple):
    """A word of the document that is one of the reference, in code points of both."""

    start: int
    end: int
    ref_start: int
    ref_end: int


class Edited(NamedTuple):
    """A document made of a reference, and which words of it the reference has."""

    text: str
    kept: list[Kept]


Edit = Callable[[str, str, random.Random], Edited]
Change = Callable[[str], tuple[str, int, int] | None]
"""What a word becomes: new text and where the word stands in it, or None where it stays as it is."""


def rewrite(text: str, pattern: re.Pattern[str], change: Change) -> Edited:
    """Each match of ``pattern`` changed; a word that does not stand in its new text is lost."""
    parts: list[str] = []
    kept: list[Kept] = []
    at = size = 0
    for match in pattern.finditer(text):
        word = match.group()
        stays = pattern is not UNITS["en"] and not HAN.match(word)
        new, first, last = (None if stays else change(word)) or (word, 0, len(word))
        between = text[at : match.start()]
        size += len(between)
        if last > first:
            kept.append(Kept(size + first, size + last, match.start(), match.end()))
        parts += between, new
        size += len(new)
        at = match.end()
    return Edited("".join(parts) + text[at:], kept)


def copy(text: str, language: str, rng: random.Random) -> Edited:
    """The reference itself."""
    return rewrite(text, PIECES[language], lambda word: None)


def substitute(share: float, words: Sequence[str]) -> Edit:
    """A share of the words replaced by words drawn from ``words``."""

    def edit(text: str, language: str, rng: random.Random) -> Edited:
        def change(word: str) -> tuple[str, int, int] | None:
            new = rng.choice(words) if rng.random() < share else word
            return None if new.lower() == word.lower() else (new, 0, 0)

        return rewrite(text, PIECES[language], change)

    return edit


def disturb(share: float, words: Sequence[str]) -> Edit:
    """A share of the words dropped, followed by a new one, or replaced, a third each."""

    def edit(text: str, language: str, rng: random.Random) -> Edited:
        blank = " " if language == "en" else ""

        def change(word: str) -> tuple[str, int, int] | None:
            if rng.random() >= share:
                return None
            new, how = rng.choice(words), rng.randrange(3)
            return [("", 0, 0), (word + blank + new, 0, len(word)), (new, 0, 0)][how]

        return rewrite(text, PIECES[language], change)

    return edit


def shuffle(text: str, language: str, rng: random.Random) -> Edited:
    """The sentences in another order."""
    spans = [match.span() for match in SENTENCES[language].finditer(text)]
    rng.shuffle(spans)
    blank = " " if language == "en" else ""
    parts, kept, size = [], [], 0
    for first, last in spans:
        for match in PIECES[language].finditer(text, first, last):
            shift = size - first
            kept.append(Kept(match.start() + shift, match.end() + shift, match.start(), match.end()))
        parts.append(text[first:last])
        size += last - first + len(blank)
    return Edited(blank.join(parts), kept)


def passage(length: int, hosts: Sequence[str]) -> Edit:
    """So many words in a row, from anywhere in the reference, inside one of the texts ``hosts``."""

    def edit(text: str, language: str, rng: random.Random) -> Edited:
        units = list(UNITS[language].finditer(text))
        first = rng.randrange(len(units) - length + 1)
        some = units[first : first + length]
        host = rng.choice(hosts)
        places = [m.end() for m in re.finditer(r"\s+" if language == "en" else r"[，。；]", host)] or [len(host)]
        at = rng.choice(places)
        blank = " " if language == "en" else ""
        shift = at + len(blank) - some[0].start()
        whole = PIECES[language].finditer(text, some[0].start(), some[-1].end())
        kept = [Kept(m.start() + shift, m.end() + shift, m.start(), m.end()) for m in whole]
        return Edited(host[:at] + blank + text[some[0].start() : some[-1].end()] + blank + host[at:], kept)

    return edit


def disguise(how: str) -> Edit:
    """Two in five words written another way that looks, or reads, the same."""

    def edit(text: str, language: str, rng: random.Random) -> Edited:
        def change(word: str) -> tuple[str, int, int] | None:
            if rng.random() >= DISGUISED:
                return None
            new = disguised(word, how)
            return new, 0, len(new)

        return rewrite(text, PIECES[language], change)

    return edit


def disguised(word: str, how: str) -> str:
    """A word in disguise; an invisible character goes into its middle, or after it where it has only one."""
    middle = (len(word) + 1) // 2
    inside = {"zero width": "\u200b", "soft hyphen": "\u00ad", "spaces": " ", "line breaks": "\n"}
    if how in inside:
        return word[:middle] + inside[how] + word[middle:]
    if how == "homoglyphs":
        return word.translate(LOOKALIKES)
    if how == "accents":
        return "".join(letter + "\u0301" * (letter.lower() in "aeiou") for letter in word)
    if how == "full width":
        return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in word)
    if how == "case":
        return word.swapcase()
    raise ValueError(how)


def mask(share: float) -> Edit:
    """A share of the words, in Chinese of pairs of characters, replaced by placeholders."""

    def edit(text: str, language: str, rng: random.Random) -> Edited:
        def change(word: str) -> tuple[str, int, int] | None:
            if rng.random() >= share or (language == "zh" and len(word) < 2):
                return None
            return rng.choice(PLACEHOLDERS[language]), 0, 0

        return rewrite(text, PAIRS[language], change)

    return edit
