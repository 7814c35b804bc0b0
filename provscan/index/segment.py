"""A segment: the immutable files of a part of an index, mapped into memory."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from provscan.errors import IndexFormatError
from provscan.index.manifest import SegmentEntry
from provscan.index.table import Table, make_filter

TABLES = ("seeds", "bands", "prints")
TOKENS = "tokens.npy"
OFFSETS = "offsets.npy"
STARTS = "starts.npy"
LONG_STARTS = "long-starts.npy"
PHRASES = "phrases.npy"
REFS = "refs.parquet"
TEXT = "text.parquet"


def unreadable(path: Path, error: Exception) -> IndexFormatError:
    return IndexFormatError(f"{path} cannot be read: {error}. Restore the index or build it anew.")


def read_array(path: Path, size: int) -> np.ndarray:
    """Map an array of an index, which has so many bytes on disk, into memory."""
    try:
        found = path.stat().st_size
        if found != size:
            raise IndexFormatError(
                f"{path} has {found} bytes, and the manifest says {size}. Restore the index or build it anew."
            )
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, TypeError, SyntaxError, TokenError, EOFError) as error:
        raise unreadable(path, error) from error


class Segment:
    """The arrays of one segment; opened without reading them.

    Attributes
    ----------
    tokens : ndarray of uint16
        Token ids of all references, with a 0 before each and after the last, and 64 more at the end.
    offsets : ndarray of uint32, shape (references + 1,)
        Where each reference starts in ``tokens``; the next one's start, less one, ends it.
    starts, long_starts : ndarrays
        Starts of tokens in code points (`positions`).
    phrases : ndarray of uint8
        Filter of the phrases that many references have (`phrases`).
    seeds, bands, prints : Table
        Seed hashes to positions in ``tokens``; LSH bands and fingerprints to reference numbers plus 1.
    """

    def __init__(self, folder: Path, entry: SegmentEntry) -> None:
        self.folder = folder
        self.entry = entry
        self.tokens = self._array(TOKENS)
        self.offsets = self._array(OFFSETS)
        self.starts = self._array(STARTS)
        self.long_starts = self._array(LONG_STARTS)
        self.phrases = self._array(PHRASES)
        self.seeds, self.bands, self.prints = (self._table(name) for name in TABLES)

    def _array(self, name: str) -> np.ndarray:
        path = self.folder / name
        if name not in self.entry.files:
            raise IndexFormatError(f"The manifest does not name {path}. Restore the index or build it anew.")
        return read_array(path, self.entry.files[name]["bytes"])

    def _table(self, name: str) -> Table:
        bits = self.entry.position_bits.get(name)
        if not isinstance(bits, int):
            raise IndexFormatError(
                f"The manifest gives no position bits for the {name} of {self.folder}. "
                "Restore the index or build it anew."
            )
        return Table(self._array(f"{name}-buckets.npy"), self._array(f"{name}-postings.npy"), bits)

    def tokens_of(self, reference: int) -> np.ndarray:
        """Token ids of a reference, uint16."""
        return self.tokens[int(self.offsets[reference]) : int(self.offsets[reference + 1]) - 1]

    @cached_property
    def filter(self) -> np.ndarray:
        """Filter of the seeds (`table.make_filter`), made at first use; uint8."""
        return make_filter(self.seeds)

    @cached_property
    def refs(self) -> pa.Table:
        """The metadata of the references."""
        return self._parquet(REFS)

    @property
    def has_text(self) -> bool:
        return TEXT in self.entry.files

    def text_of(self, reference: int) -> str | None:
        """A reference's text, or None where texts are not stored. Reads one row group."""
        if not self.has_text:
            return None
        try:
            file = pq.ParquetFile(self.folder / TEXT)
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if reference < rows:
                    return str(file.read_row_group(group).column("text")[reference].as_py())
                reference -= rows
        except (OSError, pa.ArrowException) as error:
            raise unreadable(self.folder / TEXT, error) from error
        raise IndexError(f"reference {reference} is beyond the end of {self.folder / TEXT}")

    def _parquet(self, name: str) -> pa.Table:
        try:
            return pq.read_table(self.folder / name)
        except (OSError, pa.ArrowException) as error:
            raise unreadable(self.folder / name, error) from error

    def describe(self) -> dict[str, Any]:
        return {
            "id": self.entry.id,
            "references": self.entry.references,
            "tokens": self.entry.tokens,
            "bytes": sum(int(f["bytes"]) for f in self.entry.files.values()),
        }
