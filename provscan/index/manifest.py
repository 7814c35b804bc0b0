"""An index's manifest: what it holds, and the only file that changes."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from provscan.errors import IndexFormatError, IndexLocked
from provscan.index.parameters import ALGORITHM_VERSION, Parameters

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
LOCK = "lock"


@dataclass(frozen=True)
class SegmentEntry:
    """A segment in the manifest.

    Attributes
    ----------
    id : str
        Its folder under segments/.
    references, tokens, text_bytes : int
    position_bits : dict of str to int
        Of each posting table: seeds, bands, prints.
    files : dict of str to dict
        For each file its bytes and SHA-256.
    """

    id: str
    references: int
    tokens: int
    text_bytes: int
    position_bits: dict[str, int]
    files: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class BackgroundEntry:
    """A filter of phrases of trusted human text: its file under background/, what it was learnt from, its checksum."""

    name: str
    documents: int
    tokens: int
    file: dict[str, Any]


@dataclass(frozen=True)
class Manifest:
    """manifest.json of an index."""

    parameters: Parameters
    segments: tuple[SegmentEntry, ...]
    background: tuple[BackgroundEntry, ...] = ()

    @property
    def references(self) -> int:
        return sum(s.references for s in self.segments)

    @property
    def tokens(self) -> int:
        return sum(s.tokens for s in self.segments)

    @property
    def version(self) -> str:
        """16 hexadecimal digits that change whenever the index does."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()[:16]

    def with_segments(self, segments: tuple[SegmentEntry, ...]) -> Manifest:
        return replace(self, segments=segments)

    def with_background(self, background: tuple[BackgroundEntry, ...]) -> Manifest:
        return replace(self, background=background)

    def as_json(self) -> str:
        """The file's text, with a SHA-256 of all the rest of it."""
        data: dict[str, Any] = {
            "format": FORMAT_VERSION,
            "algorithm": self.parameters.algorithm,
            "parameters": self.parameters.as_dict(),
            "segments": [vars(s) for s in self.segments],
            "background": [vars(b) for b in self.background],
        }
        return json.dumps(data | {"sha256": checksum(data)}, indent=1, sort_keys=True)

    def write(self, folder: Path) -> None:
        """Replace the manifest atomically; what it names must be on disk already."""
        temporary = folder / (MANIFEST + ".new")
        with temporary.open("w", encoding="utf-8") as f:
            f.write(self.as_json())
            f.flush()
            os.fsync(f.fileno())
        temporary.replace(folder / MANIFEST)
        sync_folder(folder)


def checksum(data: dict[str, Any]) -> str:
    """SHA-256 of a manifest's content, however it is laid out."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an index.

    Raises
    ------
    IndexFormatError
        If the folder is no index, or one that this program cannot read.
    """
    path = folder / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise IndexFormatError(
            f"{folder} is not an index: it has no {MANIFEST}. `provscan index build` makes one."
        ) from None
    except (OSError, ValueError) as error:
        raise IndexFormatError(f"{path} cannot be read: {error}. Restore the index or build it anew.") from error
    try:
        for what, here, known in (
            ("format", data["format"], FORMAT_VERSION),
            ("algorithm", data["algorithm"], ALGORITHM_VERSION),
        ):
            if here > known:
                raise IndexFormatError(
                    f"{folder} has {what} version {here}, and this program knows {known}. Update provscan."
                )
            if here < known:
                raise IndexFormatError(
                    f"{folder} has {what} version {here}, and this program writes {known}. Build the index anew."
                )
        if data.pop("sha256") != checksum(data):
            raise IndexFormatError(f"{path} is not as it was written. Restore the index or build it anew.")
        segments = tuple(SegmentEntry(**s) for s in data["segments"])
        background = tuple(BackgroundEntry(**b) for b in data["background"])
        return Manifest(Parameters(**data["parameters"]), segments, background)
    except (KeyError, TypeError) as error:
        raise IndexFormatError(f"{path} lacks or misnames {error}. Restore the index or build it anew.") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the index's lock file; a killed writer leaves it free, since the lock dies with the process.

    Raises
    ------
    IndexLocked
        If another process writes.
    """
    with (folder / LOCK).open("w") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise IndexLocked(f"Another process is writing to {folder}; wait for it or stop it.") from None
        yield


def sync_folder(folder: Path) -> None:
    """fsync a folder, so that names in it survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_entry(path: Path) -> dict[str, Any]:
    """Bytes and SHA-256 of a file, after an fsync."""
    with path.open("rb") as f:
        os.fsync(f.fileno())
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(f, "sha256").hexdigest()}
