"""Decompression as a stream of bounded pieces; everything before a damage comes out before the damage is raised."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Protocol

from provscan.read.source import one_line, open_bytes

CHUNK = 1 << 18
PIECE = 1 << 14

MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\x00", "xz"),
    *((b"BZh%d1AY&SY" % level, "bz2") for level in range(1, 10)),
    *((b"BZh%d\x17\x72\x45\x38\x50\x90" % level, "bz2") for level in range(1, 10)),
    *((bytes([0x50 + n]) + b"\x2a\x4d\x18", "zstd") for n in range(16)),
)
"""First bytes of each compression; a zstd file may begin with a skippable frame, an empty bz2 with its end mark."""


def compression_of(head: bytes) -> str | None:
    """The compression that the first bytes of a file show: gzip, zstd, bz2, xz, or None."""
    return next((name for magic, name in MAGIC if head.startswith(magic)), None)


class Damaged(OSError):
    """A compressed stream that cannot be decoded from `offset` (stored bytes) on."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason


class _Reader(Protocol):
    def read(self, size: int) -> bytes: ...


class _Gzip:
    """`zlib.decompressobj` with the interface of the bz2 and lzma decompressors."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._tail = b""
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, size: int) -> bytes:
        out = self._inner.decompress(self._tail + data if self._tail else data, size)
        self._tail = self._inner.unconsumed_tail
        self.needs_input = not self._tail and len(out) < size
        return out


class _Members:
    """Reads one compressed member after the other; zero padding between members is skipped, as gzip and xz do.

    From the stored byte `fine` on the decoder is fed byte by byte, so that no step fails that could have given output.
    """

    def __init__(self, raw: BinaryIO, new: Callable[[], Any], fine: int | None) -> None:
        self._raw, self._new, self._fine = raw, new, fine
        self._decoder: Any = None
        self._input = b""
        self._first = True

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; empty at the end. Raises `EOFError` if the file ends inside a member."""
        while True:
            if self._decoder is None and not self._next_member():
                return b""
            if not self._input and self._decoder.needs_input:
                self._input = self._fill()
                if not self._input:
                    raise EOFError("the compressed stream is cut off")
            data, self._input = self._input, b""
            out: bytes = self._decoder.decompress(data, size)
            if self._decoder.eof:
                self._input, self._decoder = self._decoder.unused_data, None
            if out:
                return out

    def _fill(self) -> bytes:
        if self._fine is None:
            return self._raw.read(PIECE)
        return self._raw.read(min(PIECE, max(self._fine - self._raw.tell(), 1)))

    def _next_member(self) -> bool:
        while True:
            if not self._input:
                self._input = self._fill()
            if not self._input:
                return False
            if not self._first:
                self._input = self._input.lstrip(b"\0")
            if self._input:
                self._first = False
                self._decoder = self._new()
                return True


def _zstd(raw: BinaryIO, fine: int | None) -> _Reader:
    # Arrow bounds the output of a step and notices a cut; the zstandard package offers one or the other.
    import pyarrow as pa

    reader: _Reader = pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd")
    return reader


CODECS: dict[str, Callable[[BinaryIO, int | None], _Reader]] = {
    "gzip": lambda raw, fine: _Members(raw, _Gzip, fine),
    "bz2": lambda raw, fine: _Members(raw, bz2.BZ2Decompressor, fine),
    "xz": lambda raw, fine: _Members(raw, lzma.LZMADecompressor, fine),
    "zstd": _zstd,
}
ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


def chunks(path: str, compression: str | None, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """The decoded bytes of a file in pieces of at most `CHUNK` bytes.

    Parameters
    ----------
    path : str
        Local path or URL.
    compression : str or None
        A key of `CODECS`, or None for bytes as they are stored.
    start, stop : int
        Range of stored bytes, for uncompressed files only.

    Raises
    ------
    Damaged
        After everything that could be decoded.
    OSError
        The file cannot be opened or read.
    """
    if compression is None:
        yield from _stored(path, start, stop)
        return
    delivered = 0
    with open_bytes(path) as raw:
        reader = CODECS[compression](raw, None)
        while True:
            try:
                chunk = reader.read(CHUNK)
            except ERRORS as error:
                damage, failed = error, raw.tell()
                break
            if not chunk:
                return
            delivered += len(chunk)
            yield chunk
    rest, offset = _salvage(path, compression, delivered, failed)
    if rest:
        yield rest
    raise Damaged(offset, f"damaged {compression} stream: {one_line(damage)}") from damage


def _stored(path: str, start: int, stop: int | None) -> Iterator[bytes]:
    left = None if stop is None else stop - start
    with open_bytes(path, seekable=start > 0) as raw:
        if start:
            raw.seek(start)
        while left is None or left > 0:
            chunk = raw.read(CHUNK if left is None else min(CHUNK, left))
            if not chunk:
                break
            left = None if left is None else left - len(chunk)
            yield chunk
    if left:
        raise Damaged((stop or 0) - left, f"the file ends {left} bytes before where it ended when it was planned")


def _salvage(path: str, compression: str, delivered: int, failed: int) -> tuple[bytes, int]:
    """What the failing step had decoded before the damage (decoders drop it), and the offset of the damage.

    Decodes the file anew and takes the last step byte by byte: that costs time only where a file is damaged.
    """
    out = bytearray()
    with open_bytes(path) as raw:
        reader = CODECS[compression](raw, max(failed - 2 * PIECE, 0))
        try:
            while delivered > 0 and (known := reader.read(min(CHUNK, delivered))):
                delivered -= len(known)
            while byte := reader.read(1):
                out += byte
                if len(out) > CHUNK:
                    break
        except ERRORS:
            pass  # the damage that chunks() is about to raise
        return bytes(out), raw.tell()


class ChunkFile(io.RawIOBase):
    """A file object over `chunks`, for libraries that read from one; wrap it in `io.BufferedReader`."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._held:
            self._held = memoryview(next(self._pieces, b""))
        size = min(len(buffer), len(self._held))
        buffer[:size] = self._held[:size]
        self._held = self._held[size:]
        return size
