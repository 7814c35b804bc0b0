"""The files that the benchmarks read: references of any number and a corpus of any size, from a source's texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sources import Source, as_words
from synthetic import joined

LEAP = 0.2
CHAINS = 10_000
COPIES = 0.03
ROW_GROUP = 10_000
BATCH = 1_000
SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
MODELS = tuple(f"model-{letter}" for letter in "abcdefgh")


class Splicer:
    """New references out of a source's: runs of words of many, joined where they have a word in common.

    A text takes the length of a real one. Its words follow one another as in some reference; after each, with
    probability 0.2, it goes on from another place where that word stands. Pairs of words are thus the source's, runs
    are 5 words long on average, and no text is a copy. Measured with the corpora that `--data` names, 9,900 references
    and ten times as many: seeds of a human document met 93 postings a thousand tokens in real references, 77 in
    spliced ones, and 61 where whole sentences were recombined and 15 % of their words replaced at random.
    """

    def __init__(self, source: Source) -> None:
        self.words, offsets, self.forms = as_words(source.references)
        lengths = np.diff(offsets)
        self.lengths = lengths[lengths > 0]
        self.places = np.argsort(self.words, kind="stable")
        self.counts = np.bincount(self.words)
        self.first = np.cumsum(self.counts) - self.counts

    def texts(self, rng: np.random.Generator, count: int) -> pa.Array:
        """``count`` new texts, cut from chains that grow side by side."""
        offsets = np.concatenate([[0], np.cumsum(rng.choice(self.lengths, count))])
        steps = -(-int(offsets[-1]) // CHAINS)
        out = np.empty((CHAINS, steps), np.int32)
        place = rng.integers(len(self.words), size=CHAINS)
        for step in range(steps):
            word = self.words[place]
            out[:, step] = word
            leaps = np.flatnonzero(rng.random(CHAINS) < LEAP)
            word = word[leaps]
            place[leaps] = self.places[self.first[word] + (rng.random(len(leaps)) * self.counts[word]).astype(np.int64)]
            place = (place + 1) % len(self.words)
        return joined(self.forms, out.ravel()[: offsets[-1]], offsets)


def write_references(source: Source, count: int, path: Path, seed: int) -> int:
    """Write ``count`` references, the source's own first and spliced ones after them; returns their text's bytes."""
    size = 0
    with Writer(path) as writer:
        own = source.references[:count]
        for at in range(0, len(own), ROW_GROUP):
            size += writer.write(pa.array(own[at : at + ROW_GROUP], pa.large_string()))
        if count > len(own):
            splicer = Splicer(source)
            rng = np.random.default_rng(seed)
            for at in range(len(own), count, ROW_GROUP):
                size += writer.write(splicer.texts(rng, min(ROW_GROUP, count - at)))
    return size


@dataclass(frozen=True)
class Corpus:
    """What was written: documents, bytes of their text, and how many of them are copies of a reference."""

    path: Path
    documents: int
    bytes: int
    copies: int


def write_corpus(source: Source, size: int, copied: int, path: Path, seed: int) -> Corpus:
    """Write a corpus of human documents, 3 % of them replaced by a reference.

    Parameters
    ----------
    source : Source
        Each document is one of its human ones with the sentences in another order.
    size : int
        Bytes of text to reach.
    copied : int
        Copies are taken from so many references, so that every index holds all of them.
    path : Path
    seed : int
    """
    rng = np.random.default_rng(seed)
    split = [SENTENCE_END.split(text) for text in source.human]
    first = np.cumsum([0, *map(len, split)])
    pool = pa.array([s for sentences in split for s in sentences] + source.references[:copied], pa.large_string())
    done = copies = 0
    with Writer(path) as writer:
        while done < size:
            lists, copy = shuffled(rng, first, len(pool), min(ROW_GROUP, 1 + (size - done) // 1000))
            copies += copy
            offsets = np.cumsum([0, *map(len, lists)])
            done += writer.write(joined(pool, np.concatenate(lists), offsets))
    return Corpus(path, writer.rows, done, copies)


def shuffled(rng: np.random.Generator, first: np.ndarray, pool: int, count: int) -> tuple[list[np.ndarray], int]:
    """Sentences of ``count`` documents by their number in the pool, and how many are copies of a reference."""
    documents = rng.integers(len(first) - 1, size=count)
    copies = rng.random(count) < COPIES
    references = rng.integers(first[-1], pool, size=count)
    lists = [
        np.array([reference]) if copy else rng.permutation(np.arange(first[d], first[d + 1]))
        for d, copy, reference in zip(documents.tolist(), copies.tolist(), references.tolist(), strict=True)
    ]
    return lists, int(copies.sum())


class Writer:
    """A zstd Parquet file of id, model and text, a row group at a time."""

    def __init__(self, path: Path) -> None:
        self.schema = pa.schema([("id", pa.string()), ("model", pa.string()), ("text", pa.large_string())])
        self.file = pq.ParquetWriter(path, self.schema, compression="zstd")
        self.rows = 0

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def write(self, texts: pa.Array) -> int:
        """Write a row group; returns the bytes of its texts."""
        numbers = range(self.rows, self.rows + len(texts))
        ids = [f"{n:08d}" for n in numbers]
        models = [MODELS[n % len(MODELS)] for n in numbers]
        self.file.write_table(pa.table([ids, models, texts], schema=self.schema))
        self.rows += len(texts)
        return int(pc.sum(pc.binary_length(texts)).as_py())


def first_rows(path: Path, count: int, to: Path) -> int:
    """Write the first rows of a corpus to a file of its own; returns the bytes of their text."""
    size = done = 0
    with Writer(to) as writer:
        for texts in batches(path, ROW_GROUP):
            size += writer.write(texts[: count - done])
            done += len(texts)
            if done >= count:
                return size
    return size


def batches(path: Path, rows: int = BATCH) -> Iterator[pa.Array]:
    """The texts of a Parquet file, at most ``rows`` at a time, read by one thread."""
    for batch in pq.ParquetFile(path).iter_batches(rows, columns=["text"], use_threads=False):
        yield batch.column(0)
