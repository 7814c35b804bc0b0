"""An index on disk: a folder of immutable segments and a manifest that names them."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provscan.errors import IndexFormatError
from provscan.index.manifest import MANIFEST, Manifest, read_manifest
from provscan.index.segment import Segment, read_array
from provscan.text.information import load_information

SEGMENTS = "segments"
BACKGROUND = "background"


class Index:
    """A reference index, opened for reading.

    Parameters
    ----------
    path : str or Path
        Its folder.

    Attributes
    ----------
    manifest : Manifest
    segments : list of Segment
        Their references are numbered through: segment k's begin at ``first[k]``.
    first : list of int

    Raises
    ------
    IndexFormatError
        If the folder is no index, is of another version, or lacks bytes.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.manifest: Manifest = read_manifest(self.path)
        self.parameters = self.manifest.parameters
        if self.parameters.digest != load_information().digest:
            raise IndexFormatError(
                f"{self.path} was built with information tables {self.parameters.digest}, and this program has "
                f"{load_information().digest}. Build the index anew."
            )
        self.segments = [Segment(self.path / SEGMENTS / entry.id, entry) for entry in self.manifest.segments]
        counts = [entry.references for entry in self.manifest.segments]
        self.first = np.concatenate([[0], np.cumsum(counts)]).astype(int).tolist()

    def __len__(self) -> int:
        return int(self.first[-1])

    @property
    def has_text(self) -> bool:
        """Whether every segment stores its texts."""
        return all(s.has_text for s in self.segments)

    @cached_property
    def background(self) -> np.ndarray:
        """One filter of the phrases of all background text, read at first use; uint8."""
        parts = []
        for entry in self.manifest.background:
            path = self.path / BACKGROUND / entry.name
            parts.append(read_array(path, int(entry.file["bytes"])))
            if len(parts[-1]) == 0 or len(parts[-1]) & (len(parts[-1]) - 1):
                raise IndexFormatError(
                    f"{path} has {len(parts[-1])} bytes of filter, which is no power of two. Restore the index."
                )
        return union(parts)

    def locate(self, number: int) -> tuple[Segment, int]:
        """Segment of a reference and its number there."""
        k = int(np.searchsorted(self.first, number, "right")) - 1
        return self.segments[k], number - self.first[k]

    def refs(self, columns: list[str]) -> pa.Table:
        """Metadata of all references, in the order of their numbers."""
        return pa.concat_tables([s.refs.select(columns) for s in self.segments]).combine_chunks()

    def text_of(self, number: int) -> str | None:
        """A reference's text, or None where texts are not stored."""
        segment, local = self.locate(number)
        return segment.text_of(local)

    def find(self, ref_id: str) -> int | None:
        """Number of the first reference with this id."""
        for k, segment in enumerate(self.segments):
            at = pc.index(segment.refs.column("ref_id"), ref_id).as_py()
            if at >= 0:
                return int(self.first[k] + at)
        return None

    def info(self) -> dict[str, Any]:
        """What the index holds: counts by model, provider and month, sizes, parameters."""
        refs = self.refs(["model", "provider", "created", "tokens"]) if self.segments else None
        segments = [s.describe() for s in self.segments]
        own = sum(
            int(f["bytes"]) for e in self.manifest.segments for name, f in e.files.items() if name != "text.parquet"
        )
        text_bytes = sum(e.text_bytes for e in self.manifest.segments)
        wanted = self.parameters.for_tokens(self.manifest.tokens)
        return {
            "path": str(self.path),
            "version": self.manifest.version,
            "references": len(self),
            "tokens": self.manifest.tokens,
            "text_bytes": text_bytes,
            "bytes": own,
            "bytes_per_text_byte": round(own / text_bytes, 4) if text_bytes else None,
            "stores_text": self.has_text and bool(self.segments),
            "models": _counts(refs, "model"),
            "providers": _counts(refs, "provider"),
            "months": _counts(refs, "created", 7),
            "parameters": self.parameters.as_dict(),
            "outgrown": wanted.information > self.parameters.information + 2,
            "background": [
                {"documents": b.documents, "tokens": b.tokens, "bytes": b.file["bytes"]}
                for b in self.manifest.background
            ],
            "segments": segments,
        }

    def verify(self) -> Iterator[str]:
        """Compare every file with the manifest; yields a sentence for each that differs."""
        for entry in self.manifest.segments:
            for name, known in sorted(entry.files.items()):
                yield from compare(self.path / SEGMENTS / entry.id / name, known["sha256"])
        for background in self.manifest.background:
            yield from compare(self.path / BACKGROUND / background.name, background.file["sha256"])


def compare(path: Path, sha256: str) -> Iterator[str]:
    """A sentence where a file's SHA-256 is not the one given."""
    try:
        with path.open("rb") as f:
            found = hashlib.file_digest(f, "sha256").hexdigest()
    except OSError as error:
        yield f"{path} cannot be read: {error.strerror}."
        return
    if found != sha256:
        yield f"{path} has SHA-256 {found}, and the manifest says {sha256}."


def union(filters: list[np.ndarray]) -> np.ndarray:
    """One filter that knows what each of several does; repeating a smaller one leaves its answers as they are."""
    if not filters:
        filters = [np.zeros(8, np.uint8)]
    out = np.zeros(max(len(f) for f in filters), np.uint8)
    for one in filters:
        out |= np.tile(one, len(out) // len(one))
    out.setflags(write=False)
    return out


def _counts(refs: pa.Table | None, column: str, width: int | None = None) -> dict[str, int]:
    if refs is None:
        return {}
    values = (v if v is None or width is None else v[:width] for v in refs.column(column).to_pylist())
    return {v if v is not None else "(none)": n for v, n in Counter(values).most_common()}


def drop_unknown(folder: Path, manifest: Manifest) -> None:
    """Remove what the manifest does not name, which a killed writer left. The caller holds the lock."""
    segments = {entry.id for entry in manifest.segments}
    for path in (folder / SEGMENTS).glob("*"):
        if path.name not in segments:
            shutil.rmtree(path)
    filters = {entry.name for entry in manifest.background}
    for path in (folder / BACKGROUND).glob("*"):
        if path.name not in filters:
            path.unlink()


def is_index(folder: Path) -> bool:
    return (folder / MANIFEST).exists()
