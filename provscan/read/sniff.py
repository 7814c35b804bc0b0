"""What a file is: by its first bytes, and by its name only where text could be one thing or another."""

from __future__ import annotations

import os
import re

from provscan.read.decompress import chunks, compression_of
from provscan.read.source import open_bytes
from provscan.read.unit import File

HEAD_BYTES = 64

JSON_OBJECT = re.compile(rb'\{\s*("|\}|$)')
JSON_ARRAY = re.compile(rb"\[\s*(\{|\]\s*$|$)")
COMPRESSED = (".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz")
LINES = (".jsonl", ".ndjson", ".json", ".jsonlines")
DELIMITED = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv"}

UNSUPPORTED = (
    (b"PK\x03\x04", "a zip archive; unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (b"\x04\x22\x4d\x18", "lz4; decompress it or use zstd or gzip"),
    (b"%PDF-", "a PDF; extract its text"),
    (b"ORC", "ORC; convert it to Parquet"),
    (b"Obj\x01", "Avro; convert it to Parquet"),
    (b"FEA1", "Feather version 1; write it as Arrow IPC"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x7fELF", "a program"),
    (b"\xff\xfe", "UTF-16; convert it to UTF-8"),
    (b"\xfe\xff", "UTF-16; convert it to UTF-8"),
    (b"SQLite format 3\0", "an SQLite database; export it"),
)
"""First bytes of what is often found beside text, and what to do."""


def sniff(path: str, size: int | None) -> File:
    """Recognise a file.

    Raises
    ------
    OSError
        It cannot be read, is empty, or is of a kind that is not read; the message says which.
    """
    with open_bytes(path) as raw:
        stored = raw.read(HEAD_BYTES)
    if not stored:
        raise OSError("file is empty")
    compression = compression_of(stored)
    head = next((chunk for chunk in chunks(path, compression) if chunk), b"")
    if not head:
        raise OSError("file is empty")
    for magic, what in UNSUPPORTED:
        if head.startswith(magic) and (compression or not head.startswith(b"ORC") or _is_orc(path, size)):
            raise OSError(f"this is {what}")
    return File(path, size, _format(path, head, compression), compression)


def _format(path: str, head: bytes, compression: str | None) -> str:
    if head.startswith((b"PAR1", b"PARE")):
        if compression is not None:
            raise OSError(f"this is Parquet inside {compression}; decompress it, Parquet is compressed already")
        return "parquet"
    if head.startswith(b"ARROW1\0\0"):
        return "arrow"
    if head.startswith(b"\xff\xff\xff\xff"):
        return "arrows"
    return _text_format(path, head)


def _text_format(path: str, head: bytes) -> str:
    stem, extension = os.path.splitext(path.split("?")[0].lower() if "://" in path else path.lower())
    if extension in COMPRESSED:
        extension = os.path.splitext(stem)[1]
    if extension in DELIMITED:
        return DELIMITED[extension]
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")[:4096]
    if JSON_ARRAY.match(begin):
        return "json"
    if extension in LINES or JSON_OBJECT.match(begin):
        return "jsonl"
    return "text"


def _is_orc(path: str, size: int | None) -> bool:
    """ORC has its name at both ends; a text may begin with these three letters."""
    with open_bytes(path, seekable=True) as raw:
        raw.seek(-4, os.SEEK_END)
        return b"ORC" in raw.read(4)
