"""A JSON array of objects, read element by element so that memory does not grow with the file."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from json import JSONDecodeError
from typing import Any

import numpy as np
import pyarrow as pa

from provscan.read.arrays import Reject, assemble, from_lists, row_position
from provscan.read.decompress import Damaged, chunks
from provscan.read.json_records import Unusable, decoder, fields, values
from provscan.read.options import MAX_RECORD_BYTES, ReadOptions, Rejected
from provscan.read.unit import File, Inspection, Part, Unit

PEEK_ELEMENTS = 100
SPACE = re.compile(r"[ \t\r\n]*")


class Broken(ValueError):
    """The array cannot be followed any further; the message is the reason."""


def inspect(file: File, options: ReadOptions) -> Inspection:
    """The fields of the first elements; one unit, since only reading tells where an element begins."""
    records: list[Any] = []
    with suppress(Broken, Damaged):  # reading the file will report them
        records.extend(islice(_elements(chunks(file.path, file.compression)), PEEK_ELEMENTS))
    return Inspection(fields(records), False, lambda: [Part(0, None, 0, None, file.size or 0)])


def batches(unit: Unit, options: ReadOptions, reject: Reject) -> Iterator[pa.RecordBatch]:
    """The elements; where the syntax breaks the rest of the file is lost, since nothing marks the next element."""
    paths = unit.columns.paths
    rows: list[int] = []
    records: list[list[str | None]] = []
    size = 0
    row = -1
    failure: Rejected | None = None
    elements = enumerate(_elements(chunks(unit.path, unit.compression)))
    while True:
        try:
            row, element = next(elements)
            records.append(values(element, paths))
            rows.append(row)
            size += len(records[-1][0] or "")
        except StopIteration:
            break
        except Unusable as error:
            reject(Rejected(unit.path, row_position(row), str(error)))
        except (Broken, Damaged) as error:
            where = "file" if row < 0 else f"after row {row}"
            failure = Rejected(unit.path, where, error.reason if isinstance(error, Damaged) else str(error))
            break
        if size >= options.batch_bytes or len(rows) >= options.batch_rows:
            yield assemble(unit.path, unit.columns, np.array(rows, np.int64), from_lists(paths, records), reject)
            rows, records, size = [], [], 0
    yield assemble(unit.path, unit.columns, np.array(rows, np.int64), from_lists(paths, records), reject)
    if failure is not None:
        reject(failure)


class _Text:
    """A window on the text, moved on as elements are taken from it."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        # bytes that are not UTF-8 become lone surrogates: they cost the element that they stand in, not the file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self.buffer = ""
        self.at = 0

    def more(self) -> bool:
        """At least double what is left of the window, so that trying an element again costs no more than twice."""
        parts = [self.buffer[self.at :]]
        self.at = 0
        wanted = size = max(len(parts[0]), 1)
        while size < 2 * wanted:
            piece = next(self._pieces, None)
            if piece is None:
                break
            parts.append(self._decode(piece))
            size += len(parts[-1])
        self.buffer = "".join(parts)
        return len(parts) > 1

    def peek(self) -> str:
        """The next character that is no space, or nothing at the end."""
        while True:
            match = SPACE.match(self.buffer, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.buffer):
                return self.buffer[self.at]
            if not self.more():
                return ""


def _elements(pieces: Iterator[bytes]) -> Iterator[Any]:
    text = _Text(pieces)
    if text.peek() != "[":
        raise Broken("the file does not begin with [")
    text.at += 1
    if text.peek() == "]":
        return
    while True:
        text.peek()
        yield _element(text)
        mark = text.peek()
        text.at += 1
        if mark == "]":
            break
        if mark != ",":
            raise Broken(f"'{mark}' stands where , or ] should" if mark else "the array has no end")
    if text.peek():
        raise Broken("there is text after the end of the array")


def _element(text: _Text) -> Any:
    while True:
        try:
            element, end = decoder.raw_decode(text.buffer, text.at)
            if end < len(text.buffer) or not text.more():  # 12 may go on as 123
                text.at = end
                return element
        except JSONDecodeError as error:
            if len(text.buffer) - text.at > MAX_RECORD_BYTES:
                raise Broken(f"an element is broken or longer than {MAX_RECORD_BYTES} bytes: {error.msg}") from error
            if not text.more():
                raise Broken(f"bad JSON: {error.msg}") from error
        except RecursionError as error:
            raise Broken("bad JSON: nested too deeply") from error
