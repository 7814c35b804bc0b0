"""Generate information.npy and pairs.npy: how many bits a token carries, alone and after the token before it.

    python -m provscan.text.make_information DATA [--half]

DATA holds the Parquet corpora of which `SOURCES` names the files; only numbers leave them. Sources whose licence
excludes commercial use are not among them. ``--half`` trains on every second document, to measure on the others.

Information is -log2 of a token's relative frequency within its own language (the larger of the two languages'
frequencies, so that Chinese is not rare for being the smaller part), in 1/16 bit, at most 15.94.

The information of a token after another is -log2(LAMBDA p(b|a) + (1 - LAMBDA) p(b)) with p(b|a) = (n - 1) / n_a over
pairs that at least MIN_DOCS documents have. LAMBDA is larger for Chinese, where most pairs are within a word. Kept is
the discount against the token alone, in 1/16 bit.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from provscan.text.information import PAIR_SLOTS, UNIT, pair_slot_tag
from provscan.text.tokenizer import Tokenizer
from provscan.text.tokens import FIRST_CHARACTER

SOURCES = {
    "en": (
        "human_abc",
        "human_brown",
        "human_inaugural",
        "human_movie_reviews",
        "human_state_union",
        "human_webtext",
        "human_ewt",
        "open_models",
        "hc3plus",
        "school_essays",
        "alpaca_eval",
    ),
    "zh": ("cmrc_zh_human", "csl_zh_human", "hc3plus"),
}
SHARE = {"alpaca_eval": 8}  # every n-th document: sixty models answer the same prompts
LAMBDA = {"en": 0.6, "zh": 0.8}
MIN_DOCS = {"en": 3, "zh": 2}
LEAST_DISCOUNT = 1.0


def documents(data: Path, name: str, lang: str) -> list[str]:
    table = pq.read_table(data / f"{name}.parquet", columns=["text", "lang"])
    texts = [t for t, la in zip(table["text"].to_pylist(), table["lang"].to_pylist(), strict=True) if la == lang]
    return texts[:: SHARE.get(name, 1)]


def count(texts: list[str], tokenizer: Tokenizer) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Counts of the 65,536 ids; pairs a << 16 | b with their counts and document frequencies."""
    single = np.zeros(65536, np.int64)
    pairs = []
    firsts = []
    for text in texts:
        ids = tokenizer(text).ids.astype(np.uint32)
        single += np.bincount(ids, minlength=65536)
        both = ids[:-1] << np.uint32(16) | ids[1:]
        pairs.append(both)
        firsts.append(np.unique(both))
    keys, n = np.unique(np.concatenate(pairs), return_counts=True)
    known, docs = np.unique(np.concatenate(firsts), return_counts=True)
    if not np.array_equal(keys, known):
        raise ValueError("pairs and their document frequencies disagree")
    return single, keys, n, docs


def main() -> None:
    data, half = Path(sys.argv[1]), "--half" in sys.argv
    tokenizer = Tokenizer()
    frequency = np.full(65536, 2.0**-16)
    frequency[FIRST_CHARACTER:] = 2.0**-14
    parts = []
    for lang, names in SOURCES.items():
        texts = [t for name in names for t in documents(data, name, lang)]
        if half:
            texts = texts[::2]
        single, keys, n, docs = count(texts, tokenizer)
        print(lang, len(texts), "documents", int(single.sum()), "tokens", len(keys), "pairs")
        np.maximum(frequency, single / single.sum(), out=frequency)
        parts.append((LAMBDA[lang], single, keys[docs >= MIN_DOCS[lang]], n[docs >= MIN_DOCS[lang]]))
    information = np.minimum(np.rint(-np.log2(frequency) * UNIT), 255).astype(np.uint8)

    best = np.zeros(PAIR_SLOTS)
    table = np.zeros(PAIR_SLOTS, np.uint16)
    total = kept = 0
    for share, single, keys, n in parts:
        a, b = (keys >> np.uint32(16)).astype(np.int64), (keys & np.uint32(0xFFFF)).astype(np.int64)
        after = share * (n - 1) / single[a] + (1 - share) * frequency[b]
        discount = np.log2(after / frequency[b])
        keep = discount >= LEAST_DISCOUNT
        slots, tags = pair_slot_tag(keys[keep])
        weight = n[keep] * discount[keep]
        total += keep.sum()
        # Where two pairs meet in a slot, the one that would be asked for most stays.
        for slot, tag, w, d in zip(slots, tags, weight, discount[keep], strict=True):
            if w > best[slot]:
                kept += best[slot] == 0
                best[slot] = w
                table[slot] = int(tag) << 8 | min(round(d * UNIT), 255)
    here = Path(__file__).parent
    np.save(here / "information.npy", information, allow_pickle=False)
    np.save(here / "pairs.npy", table, allow_pickle=False)
    print(f"{kept} of {total} pairs kept; quantiles of information {np.percentile(information / UNIT, [1, 10, 50])}")


if __name__ == "__main__":
    main()
