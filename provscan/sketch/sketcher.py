"""A thread's slab for sketching: buffers that are allocated once and hold a chunk of texts at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from provscan.sketch.chunk import sketch_chunk
from provscan.sketch.seeds import LONGEST
from provscan.text.fold import SCRIPTS, load_fold
from provscan.text.information import load_information
from provscan.text.tokens import ROOM

CHUNK_BYTES = 1 << 19
"""Text that is sketched and matched at a time: what it leaves in the buffers stays in a core's cache."""
CHUNK_TEXTS = 1 << 13


class Chunk(NamedTuple):
    """Sketch of the texts ``first`` to ``last`` of an array; views of a slab, valid until the next chunk.

    Attributes
    ----------
    first, last : int
    offsets : ndarray of int32 or int64, shape (last - first + 1,)
        Of the texts in the Arrow data buffer.
    ids, starts, ends : ndarrays of uint16, uint32, uint32
        Tokens, and their byte offsets from their text's beginning.
    token_offsets : ndarray of int64, shape (last - first + 1,)
    fingerprints : ndarray of uint64
    scripts : ndarray of int64, shape (last - first, len(SCRIPTS))
    bits : ndarray of int64
        Information of each text, tokens taken as independent, in 1/16 bit.
    seed_hashes, seed_positions, seed_docs : ndarrays of uint64, uint32, uint32
    """

    first: int
    last: int
    offsets: np.ndarray
    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    token_offsets: np.ndarray
    fingerprints: np.ndarray
    scripts: np.ndarray
    bits: np.ndarray
    seed_hashes: np.ndarray
    seed_positions: np.ndarray
    seed_docs: np.ndarray


def text_buffers(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Data (uint8) and offsets (int32 or int64) of a string array without nulls; no copy, slices included.

    Raises
    ------
    TypeError
        If the array is neither string nor large_string.
    """
    if pa.types.is_large_string(texts.type):
        kind: type = np.int64
    elif pa.types.is_string(texts.type):
        kind = np.int32
    else:
        raise TypeError(f"texts are {texts.type}, not string or large_string")
    if len(texts) == 0:
        return np.zeros(0, np.uint8), np.zeros(1, kind)
    _, offset_buffer, data = texts.buffers()
    offsets: np.ndarray = np.frombuffer(offset_buffer, kind)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8), offsets


class Sketcher:
    """Sketches texts chunk by chunk into its own buffers; one a thread.

    Parameters
    ----------
    least : int
        Information of a seed in 1/16 bit.
    limits : tuple of two uint64
        Largest hashes of kept seeds (`parameters.Parameters.limits`).
    """

    def __init__(self, least: int, limits: tuple[np.uint64, np.uint64]) -> None:
        self.least = least
        self.limits = limits
        self.fold = load_fold()
        self.single = load_information().single
        self.token_offsets = np.empty(CHUNK_TEXTS + 1, np.int64)
        self.fingerprints = np.empty(CHUNK_TEXTS, np.uint64)
        self.scripts = np.empty((CHUNK_TEXTS, len(SCRIPTS)), np.int64)
        self.bits = np.empty(CHUNK_TEXTS, np.int64)
        self._allocate(CHUNK_BYTES // 2 + 1024)

    def _allocate(self, tokens: int) -> None:
        room = tokens + ROOM
        self.ids = np.empty(room, np.uint16)
        self.starts = np.empty(room, np.uint32)
        self.ends = np.empty(room, np.uint32)
        self.sums = np.empty(room + LONGEST + 1, np.uint32)
        self.rolling = np.empty(room + LONGEST + 1, np.uint64)
        self.seed_hashes = np.empty(room + 1, np.uint64)
        self.seed_positions = np.empty(room + 1, np.uint32)
        self.seed_docs = np.empty(room + 1, np.uint32)

    def chunks(self, texts: pa.Array) -> Iterator[Chunk]:
        """Sketches of an array of texts, a chunk at a time; each is overwritten by the next."""
        buf, offsets = text_buffers(texts)
        first, count = 0, len(offsets) - 1
        while first < count:
            last = int(np.searchsorted(offsets, offsets[first] + CHUNK_BYTES, "right")) - 1
            last = min(max(last, first + 1), first + CHUNK_TEXTS, count)
            done, seeds = sketch_chunk(
                buf,
                offsets[first : last + 1],
                *self.fold,
                self.single,
                self.least,
                *self.limits,
                self.ids,
                self.starts,
                self.ends,
                self.token_offsets,
                self.fingerprints,
                self.scripts,
                self.bits,
                self.sums,
                self.rolling,
                self.seed_hashes,
                self.seed_positions,
                self.seed_docs,
            )
            if done == 0:  # one text larger than the slab
                size = int(offsets[first + 1] - offsets[first])
                self._allocate(max(2 * len(self.ids), size // 2 + 1024))
                continue
            n = int(self.token_offsets[done])
            yield Chunk(
                first,
                first + done,
                offsets[first : first + done + 1],
                self.ids[:n],
                self.starts[:n],
                self.ends[:n],
                self.token_offsets[: done + 1],
                self.fingerprints[:done],
                self.scripts[:done],
                self.bits[:done],
                self.seed_hashes[:seeds],
                self.seed_positions[:seeds],
                self.seed_docs[:seeds],
            )
            first += done
