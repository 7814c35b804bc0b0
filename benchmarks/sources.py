"""Where the benchmarks' texts come from: a folder of corpora, or a generator that needs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from synthetic import Generator

REFERENCES = ("alpaca_eval", "alpaca_en")
HUMAN = ("abc", "brown", "inaugural", "movie_reviews", "state_union", "webtext")
LEAST_WORDS = 60
SYNTHETIC_REFERENCES = 100_000
SYNTHETIC_HUMAN = 10_000


@dataclass(frozen=True)
class Source:
    """Texts to make references and a corpus of.

    Attributes
    ----------
    name : str
        Said in the output.
    references : list of str
        In random order, so that any number from the front is a fair sample.
    human : list of str
        Documents of 60 words and more that are not model output.
    """

    name: str
    references: list[str]
    human: list[str]


def load(data: Path | None, seed: int, most: int) -> Source:
    """The corpora in a folder, or generated texts where there is none.

    Parameters
    ----------
    data : Path or None
        Holds alpaca_eval.parquet, alpaca_en.parquet and human_*.parquet, each with a column text.
    seed : int
    most : int
        References that are needed; no more than 100,000 are generated.
    """
    return from_folder(data, seed) if data else generated(seed, min(most, SYNTHETIC_REFERENCES))


def from_folder(data: Path, seed: int) -> Source:
    references = np.array(texts(data, REFERENCES), object)
    np.random.default_rng(seed).shuffle(references)
    human = [t for t in texts(data, [f"human_{n}" for n in HUMAN]) if len(t.split()) >= LEAST_WORDS]
    name = f"{', '.join(REFERENCES)} and human_* in {data.name}/"
    return Source(name, references.tolist(), human)


def texts(data: Path, names: Sequence[str]) -> Iterable[str]:
    """The texts of several files, in their order."""
    return [t for n in names for t in pq.read_table(data / f"{n}.parquet", columns=["text"])["text"].to_pylist() if t]


def generated(seed: int, references: int) -> Source:
    generator = Generator(seed)
    return Source(
        "generated (benchmarks/synthetic.py)",
        generator.texts(seed + 1, references, median=95, topics=(0, 1500)).to_pylist(),
        generator.texts(seed + 2, SYNTHETIC_HUMAN, median=230, topics=(1000, 4000), least=LEAST_WORDS).to_pylist(),
    )


def as_words(references: Sequence[str]) -> tuple[np.ndarray, np.ndarray, pa.Array]:
    """Words of texts, split at white space: ids of all, where each text begins, and the words that ids stand for."""
    import pyarrow.compute as pc

    lists = pc.utf8_split_whitespace(pc.utf8_trim_whitespace(pa.array(references, pa.large_string())))
    lists = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    words = pc.dictionary_encode(lists.flatten())
    return words.indices.to_numpy(), np.asarray(lists.offsets.to_numpy(), np.int64), words.dictionary
