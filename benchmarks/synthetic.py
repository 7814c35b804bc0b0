"""English-like text from a seed: no outside data, and the statistics that decide a scan's speed.

The vocabulary is the English words of fixtures/stock and words made of syllables. A word takes the frequency that the
shipped table of information gives its hash, so that a made-up word is as frequent as the English word whose hash it
shares, and seeds come out as long as in English. What the frequencies of words leave out is added:

- every word has 40 successors, one of which follows it in 20 % of cases (a Markov chain of order 1);
- stock phrases of 3 to 6 words, some far more frequent than others, begin at one word in 40;
- a text has a topic, whose 60 words make 10 % of it; references share topics among each other and with the corpus.

The figures were chosen so that seeds of a document meet as many postings as those of human text meet in real model
output: 29 a thousand tokens against 5,000 references and 71 against 50,000, where alpaca_eval and alpaca_en with
human news, fiction, reviews and speeches gave 28 and 75.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provscan.text.information import UNIT, load_information
from provscan.text.tokenizer import Tokenizer

STOCK = Path(__file__).parents[1] / "fixtures" / "stock"
VOCABULARY = 16_000
SUCCESSORS = 40
FOLLOWS = 0.2
PHRASES = 100_000
PHRASE = (3, 6)
PHRASE_RATE = 1 / 40
STEEP = 3
TOPICS = 4_000
TOPIC_WORDS = 60
TOPIC_SHARE = 0.1
SENTENCE = 17
COMMA = 0.06
CHAINS = 20_000
PLAIN, FIRST, LAST, COMMA_FORM = range(4)

CANDIDATES = 150_000
FREQUENT = 13.0
"""Bits below which a word is frequent, and short."""
ONSETS = [*"bcdfghjlmnprstvw" * 3, "bl", "br", "ch", "cl", "cr", "dr", "fl", "fr", "gr", "pl", "pr", "sh", "sl", "sp"]
NUCLEI = [*"aaeeiioou", "ai", "ea", "ee", "io", "ou"]
CODAS = [*[""] * 40, *"dlmnnrrsstx", "ck", "nd", "ng", "nt", "rd", "st"]


class Generator:
    """Makes texts; the same seed gives the same texts."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        words = vocabulary(rng)
        self.cumulative = np.cumsum(frequencies(words))
        self.successors = self.draw(rng, len(words) * SUCCESSORS).reshape(len(words), SUCCESSORS)
        self.preference = np.cumsum(1 / np.arange(1, SUCCESSORS + 1))
        self.topics = self.draw(rng, TOPICS * TOPIC_WORDS).reshape(TOPICS, TOPIC_WORDS)
        self.forms = pa.array([f(w) for f in (str, str.capitalize, "{}.".format, "{},".format) for w in words])
        self.size = len(words)
        self.phrases = self.stream(rng, PHRASES * PHRASE[1], phrases=False).reshape(PHRASES, PHRASE[1])

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Words by their frequency alone, int32."""
        at = np.searchsorted(self.cumulative, rng.random(count) * self.cumulative[-1], "right")
        return np.minimum(at, len(self.cumulative) - 1).astype(np.int32)

    def stream(self, rng: np.random.Generator, count: int, phrases: bool = True) -> np.ndarray:
        """``count`` words of running text: many chains side by side, one after the other."""
        length = -(-count // CHAINS)
        out = self.draw(rng, CHAINS * length).reshape(length, CHAINS)
        for t in range(1, length):
            follows = np.flatnonzero(rng.random(CHAINS) < FOLLOWS)
            which = np.searchsorted(self.preference, rng.random(len(follows)) * self.preference[-1], "right")
            out[t, follows] = self.successors[out[t - 1, follows], np.minimum(which, SUCCESSORS - 1)]
        out = out.T.ravel()[:count]
        return self.with_phrases(rng, out) if phrases else out

    def with_phrases(self, rng: np.random.Generator, words: np.ndarray) -> np.ndarray:
        """The same words with stock phrases written over some: phrase r in proportion to r ** (1 / STEEP - 1)."""
        starts = np.flatnonzero(rng.random(max(0, len(words) - PHRASE[1])) < PHRASE_RATE)
        ranks = (PHRASES * rng.random(len(starts)) ** STEEP).astype(np.int64)
        lengths = PHRASE[0] + ranks % (PHRASE[1] - PHRASE[0] + 1)
        for k in range(PHRASE[1]):
            longer = lengths > k
            words[starts[longer] + k] = self.phrases[ranks[longer], k]
        return words

    def texts(
        self, seed: int, count: int, median: int, topics: tuple[int, int], least: int = 20, most: int = 2_000
    ) -> pa.Array:
        """Texts of log-normal lengths.

        Parameters
        ----------
        seed : int
        count : int
        median, least, most : int
            Words of a text.
        topics : tuple of two int
            First and last topic that they may have.
        """
        rng = np.random.default_rng(seed)
        lengths = np.clip(rng.lognormal(np.log(median), 0.8, count), least, most).astype(np.int64)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        words = self.stream(rng, int(offsets[-1]))
        topic = np.repeat(rng.integers(*topics, size=count), lengths)
        on_topic = np.flatnonzero(rng.random(len(words)) < TOPIC_SHARE)
        words[on_topic] = self.topics[topic[on_topic], rng.integers(TOPIC_WORDS, size=len(on_topic))]
        return joined(self.forms, words + self.size * punctuation(rng, offsets), offsets)


def punctuation(rng: np.random.Generator, offsets: np.ndarray) -> np.ndarray:
    """Form of each word: the first or last of a sentence, before a comma, or plain; int32."""
    chance = rng.random(int(offsets[-1]))
    forms = np.where(chance > 1 - COMMA, COMMA_FORM, PLAIN).astype(np.int32)
    last = chance < 1 / SENTENCE
    last[offsets[1:] - 1] = True
    last[offsets[:-1]] = False
    first = np.concatenate([[True], last[:-1]])
    forms[first] = FIRST
    forms[last & ~first] = LAST
    return forms


def joined(words: pa.Array, ids: np.ndarray, offsets: np.ndarray) -> pa.Array:
    """Texts of the words ``ids``, cut at ``offsets``, with a blank between words."""
    lists = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), words.take(pa.array(ids)))
    return pc.binary_join(lists, pa.scalar(" ", words.type))


def vocabulary(rng: np.random.Generator) -> list[str]:
    """The words of fixtures/stock and words of syllables, with a short one for every frequent hash."""
    text = " ".join(path.read_text(encoding="utf-8") for path in sorted(STOCK.glob("*_en.txt")))
    words = dict.fromkeys(re.findall(r"[a-z]+", text.lower()))
    made = sorted(set(candidates(rng)) - words.keys(), key=lambda word: (len(word), word))
    tokenizer = Tokenizer()
    covered = set(tokenizer(" ".join(words)).ids.tolist())
    ids = tokenizer(" ".join(made)).ids
    bits = load_information().single / UNIT
    for word, token in zip(made, ids.tolist(), strict=True):
        if bits[token] < FREQUENT and token not in covered:
            covered.add(token)
            words[word] = None
    for at in rng.permutation(len(made))[: VOCABULARY - len(words)]:
        if bits[ids[at]] >= FREQUENT:
            words[made[at]] = None
    return list(words)


def candidates(rng: np.random.Generator) -> list[str]:
    """Made-up words of one to four syllables."""
    onsets, nuclei, codas = (
        np.array(part, object)[rng.integers(len(part), size=(CANDIDATES, 4))] for part in (ONSETS, NUCLEI, CODAS)
    )
    syllables = onsets + nuclei + codas
    counts = rng.choice([1, 2, 3, 4], CANDIDATES, p=[0.25, 0.5, 0.2, 0.05])
    return ["".join(row[:n]) for row, n in zip(syllables, counts, strict=True)]


def frequencies(words: list[str]) -> np.ndarray:
    """Share of each word in English, by the shipped table; words that share a hash share its frequency."""
    single = load_information().single
    ids = Tokenizer()(" ".join(words)).ids
    share = 0.5 ** (single[ids].astype(np.float64) / UNIT)
    return share / np.bincount(ids, minlength=1 << 16)[ids]
