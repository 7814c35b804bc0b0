"""A stream of bytes into blocks of whole lines, split at \\n only, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from provscan.read.decompress import Damaged
from provscan.read.options import MAX_RECORD_BYTES


@dataclass(frozen=True)
class Block:
    """Whole lines: `line` is the 0-based number of the first, `ends` the offsets of the line ends in `data`.

    The last line may lack its line end.
    """

    line: int
    data: bytes
    ends: np.ndarray

    @classmethod
    def of(cls, line: int, data: bytes) -> Block:
        """A block of `data`; one native pass finds the line ends for everyone who needs them."""
        return cls(line, data, np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")))


@dataclass(frozen=True)
class Oversize:
    """A line that was skipped because it is longer than the limit."""

    line: int


class _Splitter:
    """Gathers whole lines until there are enough for a block; holds at most a block, a line and a chunk."""

    def __init__(self, line: int, block_bytes: int, limit: int) -> None:
        self._line, self._block_bytes, self._limit = line, block_bytes, limit
        self._whole: list[bytes] = []
        self._whole_size = 0
        self._tail: list[bytes] = []
        self._tail_size = 0
        self._skipping = False

    def feed(self, chunk: bytes) -> Iterator[Block | Oversize]:
        first = chunk.find(b"\n")
        if self._skipping or self._tail_size + (first if first >= 0 else len(chunk)) > self._limit:
            if not self._skipping:
                yield from self.flush()
                self._tail, self._tail_size, self._skipping = [], 0, True
            if first < 0:
                return
            yield from self._end_oversize()
            chunk = chunk[first + 1 :]
        cut = chunk.rfind(b"\n") + 1
        if cut:
            self._whole += (*self._tail, chunk[:cut])
            self._whole_size += self._tail_size + cut
            self._tail, self._tail_size = [], 0
            chunk = chunk[cut:]
        if chunk:
            self._tail.append(chunk)
            self._tail_size += len(chunk)
        if self._whole_size >= self._block_bytes:
            yield from self.flush()

    def flush(self) -> Iterator[Block]:
        if self._whole:
            block = Block.of(self._line, b"".join(self._whole))
            self._line += len(block.ends)
            self._whole, self._whole_size = [], 0
            yield block

    def finish(self) -> Iterator[Block | Oversize]:
        """The rest, the last line without a line end included."""
        if self._skipping:
            yield from self._end_oversize()
        self._whole += self._tail
        yield from self.flush()

    def _end_oversize(self) -> Iterator[Oversize]:
        yield Oversize(self._line)
        self._line += 1
        self._skipping = False


def blocks(
    chunks: Iterable[bytes], line: int, block_bytes: int, limit: int = MAX_RECORD_BYTES
) -> Iterator[Block | Oversize]:
    """Blocks of whole lines.

    Parameters
    ----------
    chunks : iterable of bytes
        The text, in pieces that are smaller than `limit`.
    line : int
        0-based number of the first line.
    block_bytes : int
        A block is complete when it has at least this size.
    limit : int
        A longer line becomes an `Oversize`.

    Raises
    ------
    Damaged
        Where `chunks` raises it, after the last whole line; half a line is not delivered.
    """
    splitter = _Splitter(line, block_bytes, limit)
    try:
        for chunk in chunks:
            yield from splitter.feed(chunk)
    except Damaged:
        yield from splitter.flush()
        raise
    yield from splitter.finish()
