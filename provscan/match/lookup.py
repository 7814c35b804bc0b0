"""Look-up: the positions in an index that share a sampled seed with the documents.

Cache misses rule this stage, so it runs in passes over blocks of seeds: ask for the bits of a filter that most seeds
do not pass, ask for the buckets of those that do, ask for their postings, read them. Each pass only touches memory that
the pass before has asked for.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from provscan.index.table import BUCKET_SHIFT, WIDTH, filter_bit, get
from provscan.text.machine import prefetch

BLOCK = 64


@njit(cache=True, nogil=True)
def find_hits(hashes, n_seeds, start, bits, buckets, postings, position_bits, tokens, hit_seeds, hit_positions, common):
    """Positions of each seed's postings.

    Parameters
    ----------
    hashes : ndarray of uint64
        Hashes of the seeds; those from ``start`` to ``n_seeds`` are looked up.
    bits : ndarray of uint8
        Filter of the table (`table.make_filter`).
    buckets, postings, position_bits
        The index's table of seeds.
    tokens : ndarray of uint16
        The index's token stream, only to ask for the lines that the next stage reads.
    hit_seeds, hit_positions : ndarrays of uint32, out
        Number of the seed and position in ``tokens``, in the order of seeds; one more entry than hits is needed.
    common : ndarray of uint8, out, shape of hashes
        1 where the seed was found but is common among the references.

    Returns
    -------
    next : int64
        The seed to go on with; less than ``n_seeds`` when the hits have filled their arrays.
    hits : int64
    """
    mask = np.uint64(len(buckets) - 2)
    shift = np.uint64(position_bits)
    remainder_mask = (np.uint64(1) << np.uint64(40 - position_bits)) - np.uint64(1)
    position_mask = (np.uint64(1) << shift) - np.uint64(1)
    lows = np.empty(BLOCK, np.int64)
    highs = np.empty(BLOCK, np.int64)
    alive = np.empty(BLOCK + 1, np.int64)
    at = 0
    for block in range(start, n_seeds, BLOCK):
        stop = min(block + BLOCK, n_seeds)
        for s in range(block, stop):
            prefetch(bits, filter_bit(hashes[s], position_bits, len(bits)) >> 3)
        n = 0
        for s in range(block, stop):
            bit = filter_bit(hashes[s], position_bits, len(bits))
            alive[n] = s
            common[s] = 0
            n += (bits[bit >> 3] >> (bit & 7)) & 1
        for k in range(n):
            b = np.int64(hashes[alive[k]] >> BUCKET_SHIFT & mask)
            lows[k] = b
            prefetch(buckets, b)
        need = 0
        for k in range(n):
            b = lows[k]
            lows[k] = np.int64(buckets[b])
            highs[k] = np.int64(buckets[b + 1])
            prefetch(postings, lows[k] * WIDTH)
            need += highs[k] - lows[k]
        if at + need >= len(hit_seeds):
            return block, at
        for a in range(n):
            s = alive[a]
            wanted = hashes[s] & remainder_mask
            k = lows[a]
            last = highs[a]
            while k < last:
                entry = get(postings, k)
                remainder = entry >> shift
                if remainder >= wanted:
                    if remainder > wanted:
                        break
                    position = entry & position_mask
                    if position == 0:
                        common[s] = 1
                    else:
                        hit_seeds[at] = s
                        hit_positions[at] = position
                        at += 1
                k += 1
    return n_seeds, at
