"""Bytes of local files and of URLs that fsspec opens; failures of any file system come out as `OSError`."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from provscan.errors import InputError

DIGEST_CHUNK = 1 << 20


def is_url(path: str) -> bool:
    """Whether fsspec has to open `path`; everything without ``://`` is a local path."""
    return "://" in path


def is_http(path: str) -> bool:
    """Whether `path` is a web address, which may not allow reading from the middle."""
    return path.startswith(("http://", "https://"))


def filesystem(path: str) -> tuple[Any, str]:
    """The fsspec file system of a URL and the path in it.

    Raises
    ------
    InputError
        The scheme is unknown or its driver is not installed.
    """
    import fsspec

    try:
        return cast(tuple[Any, str], fsspec.core.url_to_fs(path))
    except (ImportError, ValueError) as error:
        raise InputError(f"{path} cannot be opened: {one_line(error)}.") from error


class _Remote(io.RawIOBase):
    """An fsspec file whose every failure is an `OSError`: drivers raise whatever their client library raises."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self._inner = inner

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._inner.seekable())

    def readinto(self, buffer: Any) -> int:
        with _as_os_error():
            data = self._inner.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        with _as_os_error():
            return int(self._inner.seek(offset, whence))

    def tell(self) -> int:
        with _as_os_error():
            return int(self._inner.tell())

    def close(self) -> None:
        if not self.closed:
            with _as_os_error():
                self._inner.close()
        super().close()


@contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except (OSError, MemoryError):
        raise
    except Exception as error:  # drivers have no common base class
        raise OSError(one_line(error)) from error


def open_bytes(path: str, *, seekable: bool = False) -> BinaryIO:
    """Open a local path or a URL for reading.

    Parameters
    ----------
    path : str
        Local path or URL.
    seekable : bool
        The caller seeks; otherwise a web address is read as one stream, which every server allows.
    """
    if not is_url(path):
        return open(path, "rb")
    try:
        system, inner = filesystem(path)
    except InputError as error:
        raise OSError(str(error)) from error
    with _as_os_error():
        opened = system.open(inner, "rb", block_size=0) if is_http(path) and not seekable else system.open(inner, "rb")
    return cast(BinaryIO, io.BufferedReader(_Remote(opened), 1 << 18))


def size_of(path: str) -> int | None:
    """Bytes stored at `path`; None where a server does not say."""
    if is_url(path):
        system, inner = filesystem(path)
        with _as_os_error():
            size = system.info(inner).get("size")
        return None if size is None else int(size)
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError("not a regular file")
    return status.st_size


def digest(path: str) -> str:
    """SHA-256 of the stored bytes, in hexadecimal, of a local file or an fsspec URL.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    state = hashlib.sha256()
    with open_bytes(path) as file:
        while chunk := file.read(DIGEST_CHUNK):
            state.update(chunk)
    return state.hexdigest()


def one_line(error: BaseException) -> str:
    """The message of an error as one short line, without the path that its record carries anyway."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = " ".join(str(text).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:297] + "..."
