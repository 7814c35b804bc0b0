"""Tokens, fingerprints and seeds of many texts in one pass over Arrow's string buffers."""

from __future__ import annotations

import numpy as np
from numba import njit

from provscan.sketch.seeds import find_seeds
from provscan.text.tokens import tokenise


@njit(cache=True, nogil=True)
def sketch_chunk(
    buf,
    offsets,
    index,
    pages,
    expansions,
    single,
    least,
    word_limit,
    character_limit,
    ids,
    starts,
    ends,
    token_offsets,
    fingerprints,
    scripts,
    bits,
    sums,
    rolling,
    seed_hashes,
    seed_positions,
    seed_docs,
):
    """Sketch the texts ``buf[offsets[d]:offsets[d + 1]]``.

    Parameters
    ----------
    buf : ndarray of uint8
    offsets : ndarray of int32 or int64, shape (documents + 1,)
    index, pages, expansions
        The fold table.
    single, least, word_limit, character_limit
        As for `seeds.find_seeds`.
    ids, starts, ends : ndarrays of uint16, uint32, uint32, out
        Tokens of all texts one after the other; starts and ends are byte offsets from each text's beginning.
    token_offsets : ndarray of int64, shape (documents + 1,), out
    fingerprints : ndarray of uint64, shape (documents,), out
    scripts : ndarray of int64, shape (documents, len(SCRIPTS)), out
    bits : ndarray of int64, shape (documents,), out
        Information of each text's tokens taken one by one, in 1/16 bit.
    sums, rolling : ndarrays of uint32, uint64
        Scratch of `seeds.find_seeds`.
    seed_hashes, seed_positions, seed_docs : ndarrays of uint64, uint32, uint32, out
        Sampled seeds in text order; positions index ``ids``.

    Returns
    -------
    documents, seeds : int64
        How many texts were done (fewer than given when ``ids`` could not hold the next one) and seeds found.
    """
    count = np.int64(0)
    seeds = np.int64(0)
    token_offsets[0] = 0
    for d in range(len(offsets) - 1):
        begin, end = np.int64(offsets[d]), np.int64(offsets[d + 1])
        n, fingerprints[d] = tokenise(
            buf, begin, end, index, pages, expansions, ids[count:], starts[count:], ends[count:], scripts[d]
        )
        if n < 0:
            return d, seeds
        after, bits[d] = find_seeds(
            ids,
            count,
            count + n,
            single,
            least,
            word_limit,
            character_limit,
            sums,
            rolling,
            seed_hashes,
            seed_positions,
            seeds,
        )
        for s in range(seeds, after):
            seed_docs[s] = d
        seeds = after
        count += n
        token_offsets[d + 1] = count
    return len(offsets) - 1, seeds
