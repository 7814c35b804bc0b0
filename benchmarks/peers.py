"""What others do: MinHash LSH by datasketch and by rensa. As a program, one of them from Parquet to written pairs.

`python peers.py NAME REFERENCES CORPUS OUT --references N --megabytes M` prints what it took as JSON. One thread.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import rensa
from corpora import batches
from datasketch import MinHash, MinHashLSH

NUM_PERM = 128
SHINGLE = 5
THRESHOLD = 0.7
RENSA_BANDS = 16
"""Bands of 8 rows, the choice for 0.7 that rensa allows: (1 / 16) ** (1 / 8) = 0.707."""
WORDS = re.compile(r"\w+")
WORDS_OR_CHARACTERS = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")
"""For Chinese, where a run of letters is a sentence and the peers would find nothing."""


def shingles(text: str, pattern: re.Pattern[str] = WORDS) -> list[str]:
    """Runs of five words in lower case."""
    words = pattern.findall(text.lower())
    return [" ".join(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1))]


class Peer(Protocol):
    """A MinHash LSH: sketches lists of shingles, takes references, answers documents."""

    def sketch(self, texts: Sequence[list[str]]) -> list[Any]: ...

    def insert(self, first: int, sketches: list[Any]) -> None: ...

    def query(self, sketches: list[Any]) -> list[list[int]]: ...


class Datasketch:
    """datasketch's MinHashLSH.

    Parameters
    ----------
    threshold : float
    bulk : bool
        Make signatures with `MinHash.bulk`, which is faster than an `update_batch` a text.
    """

    def __init__(self, threshold: float = THRESHOLD, bulk: bool = True) -> None:
        self.lsh = MinHashLSH(threshold=threshold, num_perm=NUM_PERM)
        self.bulk = bulk

    def sketch(self, texts: Sequence[list[str]]) -> list[MinHash]:
        if self.bulk:
            return MinHash.bulk([[s.encode() for s in text] for text in texts], num_perm=NUM_PERM)
        sketches = []
        for text in texts:
            sketch = MinHash(num_perm=NUM_PERM)
            sketch.update_batch([s.encode() for s in text])
            sketches.append(sketch)
        return sketches

    def insert(self, first: int, sketches: list[MinHash]) -> None:
        for number, sketch in enumerate(sketches, first):
            self.lsh.insert(number, sketch, check_duplication=False)

    def query(self, sketches: list[MinHash]) -> list[list[int]]:
        return [self.lsh.query(sketch) for sketch in sketches]


class Rensa:
    """rensa's RMinHashLSH."""

    def __init__(self) -> None:
        self.lsh = rensa.RMinHashLSH(THRESHOLD, NUM_PERM, RENSA_BANDS)

    def sketch(self, texts: Sequence[list[str]]) -> list[rensa.RMinHash]:
        sketches = []
        for text in texts:
            sketch = rensa.RMinHash(NUM_PERM, 1)
            sketch.update(text)
            sketches.append(sketch)
        return sketches

    def insert(self, first: int, sketches: list[rensa.RMinHash]) -> None:
        self.lsh.insert_many(sketches, first)

    def query(self, sketches: list[rensa.RMinHash]) -> list[list[int]]:
        return self.lsh.query_all(sketches)


PEERS = {"datasketch": Datasketch, "rensa": Rensa}


def insert_references(peer: Peer, path: Path, count: int) -> tuple[int, int]:
    """Insert the first references of a file; returns their number and the bytes of their text."""
    done = size = 0
    for texts in batches(path):
        texts = texts[: count - done]
        peer.insert(done, peer.sketch([shingles(text) for text in texts.to_pylist()]))
        done += len(texts)
        size += pc.sum(pc.binary_length(texts)).as_py()
        if done >= count:
            break
    return done, size


def pairs(peer: Peer, path: Path, most: int) -> Iterator[tuple[pa.Table, int]]:
    """Pairs of document and reference, a batch at a time, and the bytes of text read for them."""
    size = row = 0
    for texts in batches(path):
        found = peer.query(peer.sketch([shingles(text) for text in texts.to_pylist()]))
        documents = [row + k for k, references in enumerate(found) for _ in references]
        references = [reference for some in found for reference in some]
        table = pa.table({"row": pa.array(documents, pa.int64()), "reference": pa.array(references, pa.int64())})
        bytes_read = pc.sum(pc.binary_length(texts)).as_py()
        yield table, bytes_read
        row += len(texts)
        size += bytes_read
        if size >= most:
            return


def run(peer: Peer, references: Path, corpus: Path, out: Path, count: int, most: int) -> dict[str, Any]:
    """Insert references, then query documents twice and write the pairs; the faster query counts."""
    begun = time.perf_counter()
    count, reference_bytes = insert_references(peer, references, count)
    inserting = time.perf_counter() - begun
    seconds, size, found, documents = [], 0, 0, set()
    for _ in range(2):
        begun = time.perf_counter()
        size = found = 0
        with pq.ParquetWriter(out, pa.schema([("row", pa.int64()), ("reference", pa.int64())])) as writer:
            for table, read in pairs(peer, corpus, most):
                writer.write_table(table)
                size += read
                found += len(table)
                documents.update(table["row"].to_pylist())
        seconds.append(time.perf_counter() - begun)
    return {
        "references": count,
        "insert_mb_s": reference_bytes / inserting / 1e6,
        "query_mb_s": size / min(seconds) / 1e6,
        "query_megabytes": size / 1e6,
        "pairs": found,
        "documents_with_pairs": len(documents),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=PEERS)
    for name in ("references_file", "corpus", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--references", type=int, required=True)
    parser.add_argument("--megabytes", type=float, required=True)
    given = parser.parse_args()
    pa.set_cpu_count(1)
    peer = PEERS[given.name]()
    most = int(given.megabytes * 1e6)
    print(json.dumps(run(peer, given.references_file, given.corpus, given.out, given.references, most)))


if __name__ == "__main__":
    main()
