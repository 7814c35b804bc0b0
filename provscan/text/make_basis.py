"""Choose `tokens.BASIS` and `tokens.CHARACTER`: constants under which frequent tokens do not share an id.

    python -m provscan.text.make_basis DATA [SECONDS]

Ids have 16 bits, so some words share one whatever the constants; where "the" and "well" do, a span says that they are
equal. Constants are drawn at random (seed 1) and the one under which the least of the text stands in such pairs is
printed, with the rank of the first word that shares its id with a more frequent one.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from provscan.text.make_information import SOURCES, documents
from provscan.text.tokens import F1, F2, S32, S33, S50, WORD_IDS, M, N

MOST = 4000
"""Tokens of each kind that are looked at, the most frequent ones."""
SCREEN = 300
"""Words among which no pair may share an id; most draws fail here."""
PATTERNS = {"en": "[a-z0-9]+", "zh": "[\u4e00-\u9fff]"}


def frequent(data: Path, lang: str) -> tuple[list[str], np.ndarray]:
    """The most frequent tokens of a language and their shares of the text."""
    counts: Counter[str] = Counter()
    for name in SOURCES[lang]:
        for text in documents(data, name, lang):
            counts.update(re.findall(PATTERNS[lang], text.lower()))
    found = counts.most_common(MOST)
    return [t for t, _ in found], np.array([n for _, n in found]) / counts.total()


def words_of(tokens: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Lengths in bytes, and the bytes as rows of zero-padded uint64."""
    coded = [t.encode() for t in tokens]
    width = 8 * (max(map(len, coded)) // 8 + 1)
    return np.array([len(b) for b in coded]), np.array([np.frombuffer(b.ljust(width, b"\0"), "<u8") for b in coded])


def hashes(lengths: np.ndarray, words: np.ndarray, basis: np.uint64) -> np.ndarray:
    """Token hashes as `tokens.tokenise` computes them, for many tokens at once."""
    h = np.full(len(lengths), basis, np.uint64)
    for k in range(words.shape[1]):
        mixed = (h ^ words[:, k]) * M
        h = np.where(lengths // 8 >= k, (mixed >> S32 | mixed << S32) * N, h)
    h += lengths.astype(np.uint64) * N
    h = (h ^ h >> S33) * F1
    h = (h ^ h >> S33) * F2
    return h ^ h >> S33


def shared(ids: np.ndarray, share: np.ndarray) -> tuple[float, int]:
    """Share of the text in the rarer tokens of pairs with one id, and the rank of the first of them."""
    order = np.argsort(ids, kind="stable")
    pairs = np.flatnonzero(ids[order][1:] == ids[order][:-1])
    rarer = np.maximum(order[pairs], order[pairs + 1])
    return float(share[rarer].sum()), int(rarer.min(initial=len(ids)))


def main() -> None:
    data, seconds = Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 150.0
    draw = np.random.default_rng(1)
    words, share = frequent(data, "en")
    coded = words_of(words)
    best, basis = (1.0, 0), np.uint64(0)
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        tried = draw.integers(0, 1 << 64, dtype=np.uint64)
        some = (hashes(coded[0][:SCREEN], coded[1][:SCREEN], tried) >> S32) * WORD_IDS >> S32
        if len(np.unique(some)) == SCREEN:
            found = shared((hashes(*coded, tried) >> S32) * WORD_IDS >> S32, share)
            if found < best:
                best, basis = found, tried
    print(f"BASIS {basis:#018x}: {best[0]:.4f} of the text, first at rank {best[1]}")
    characters, share = frequent(data, "zh")
    h = hashes(*words_of(characters), basis)
    best, factor = (1.0, 0), np.uint64(1)
    stop = time.monotonic() + seconds / 4
    while time.monotonic() < stop:
        tried = draw.integers(0, 1 << 64, dtype=np.uint64) | np.uint64(1)
        found = shared(h * tried >> S50, share)
        if found < best:
            best, factor = found, tried
    print(f"CHARACTER {factor:#018x}: {best[0]:.4f} of the text, first at rank {best[1]}")


if __name__ == "__main__":
    main()
