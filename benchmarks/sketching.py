"""Speed of sketching alone, one thread: `python sketching.py CORPUS MEGABYTES` prints MB/s of text as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import rensa
from corpora import batches
from peers import NUM_PERM, Datasketch, Rensa, shingles

from provscan.index.parameters import Parameters
from provscan.sketch.minhash import load_permutations, signatures
from provscan.sketch.sketcher import Sketcher

REPEATS = 3


def load(corpus: Path, megabytes: float) -> pa.Array:
    """The first texts of a corpus, in one array."""
    parts, size = [], 0
    for texts in batches(corpus):
        parts.append(texts)
        size += pc.sum(pc.binary_length(texts)).as_py()
        if size >= megabytes * 1e6:
            break
    return pa.concat_arrays(parts)


def seconds(work: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Least time of several runs."""
    least = float("inf")
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - begun)
    return least


def seeds(texts: pa.Array) -> None:
    """provscan's tokens and seeds."""
    parameters = Parameters()
    for _ in Sketcher(parameters.least, parameters.limits).chunks(texts):
        pass


def tokens_and_signatures(texts: pa.Array, only: list[tuple[np.ndarray, np.ndarray]] | None = None) -> None:
    """provscan's tokens, seeds and MinHash signatures; with ``only``, the signatures of tokens that are there."""
    parameters = Parameters()
    made = only or ((c.ids, c.token_offsets) for c in Sketcher(parameters.least, parameters.limits).chunks(texts))
    permutations = load_permutations()
    out, scratch = np.empty((1 << 13, NUM_PERM), np.uint32), np.empty(1 << 20, np.uint32)
    for ids, offsets in made:
        if len(ids) > len(scratch):
            scratch = np.empty(2 * len(ids), np.uint32)
        signatures(ids, offsets, *permutations, scratch, out)


def measure(texts: pa.Array) -> dict[str, tuple[float, float | None]]:
    """Seconds from text to sketch and, of that, of sketching shingles (or tokens) that are there."""
    parameters = Parameters()
    chunks = Sketcher(parameters.least, parameters.limits).chunks(texts)
    ready = [(c.ids.copy(), c.token_offsets.copy()) for c in chunks]
    tokens_and_signatures(texts[:10])
    plain = texts.to_pylist()
    sets = [shingles(text) for text in plain]
    one, bulk, other = Datasketch(bulk=False), Datasketch(), Rensa()

    def matrix(some: list[list[str]]) -> object:
        return rensa.RMinHash.digest_matrix_from_token_sets(some, NUM_PERM, 1)

    def both(sketch: Callable[[list[list[str]]], object], repeats: int) -> tuple[float, float]:
        whole = seconds(lambda: sketch([shingles(text) for text in plain]), repeats)
        return whole, seconds(lambda: sketch(sets), repeats)

    return {
        "provscan: tokens and seeds": (seconds(lambda: seeds(texts)), None),
        "provscan: tokens, seeds and MinHash": (
            seconds(lambda: tokens_and_signatures(texts)),
            seconds(lambda: tokens_and_signatures(texts, ready)),
        ),
        "datasketch: update_batch": both(one.sketch, 2),
        "datasketch: bulk": both(bulk.sketch, 2),
        "rensa: update": both(other.sketch, 2),
        "rensa: digest_matrix_from_token_sets": both(matrix, 2),
    }


def main() -> None:
    texts = load(Path(sys.argv[1]), float(sys.argv[2]))
    size = pc.sum(pc.binary_length(texts)).as_py() / 1e6
    rates = {
        name: {"text_mb_s": size / whole, "sketch_mb_s": size / alone if alone else None}
        for name, (whole, alone) in measure(texts).items()
    }
    print(json.dumps({"megabytes": size, "documents": len(texts), "rates": rates}))


if __name__ == "__main__":
    main()
