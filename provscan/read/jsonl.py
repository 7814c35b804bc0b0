"""JSON lines: one object a line, lines end at \\n and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import pyarrow as pa

from provscan.read.arrays import Reject, assemble, from_lists, line_position, null_text
from provscan.read.columns import Columns, Path
from provscan.read.decompress import Damaged, chunks
from provscan.read.json_native import NativeParser
from provscan.read.json_records import Unusable, decode, fields, values
from provscan.read.lines import Block, Oversize, blocks
from provscan.read.options import MAX_RECORD_BYTES, ReadOptions, Rejected
from provscan.read.source import is_http
from provscan.read.unit import File, Inspection, Part, Unit

BLOCK_BYTES = 2 << 20
"""Blocks of this size parse fastest: they stay in the cache."""
PIECE_BYTES = 1 << 18
"""A block that the native parser declines is tried again in pieces of this size, and those line by line."""

PEEK_LINES = 100
BOM = b"\xef\xbb\xbf"
BLANK = b" \t\r\n"


def inspect(file: File, options: ReadOptions) -> Inspection:
    """The fields of the first lines; byte ranges of about `options.unit_bytes` where the file is not compressed."""
    records = []
    for line in islice(_first_lines(file), PEEK_LINES):
        try:
            records.append(decode(line))
        except Unusable:
            continue  # reading the file will report it
    ranged = file.compression is None and not is_http(file.path) and (file.size or 0) > options.unit_bytes
    whole = [Part(0, None, 0, None, file.size or 0)]
    return Inspection(fields(records), False, lambda: _ranges(file, options.unit_bytes) if ranged else whole)


def batches(unit: Unit, options: ReadOptions, reject: Reject) -> Iterator[pa.RecordBatch]:
    """The records of a byte range."""
    stream = chunks(unit.path, unit.compression, unit.start, unit.stop)
    reader = _LineReader(unit.path, unit.columns, reject)
    line = unit.first_row
    try:
        for block in blocks(stream, unit.first_row, min(options.batch_bytes, BLOCK_BYTES)):
            line = block.line + 1
            if isinstance(block, Oversize):
                reject(Rejected(unit.path, f"line {line}", f"the line is longer than {MAX_RECORD_BYTES} bytes"))
                continue
            line = block.line + len(block.ends)
            yield from reader.read(_without_bom(block))
    except Damaged as damage:
        reject(Rejected(unit.path, f"after line {line}", damage.reason))


class _LineReader:
    """Blocks of lines to batches: natively where that is safe, else line by line with the same outcome."""

    def __init__(self, path: str, columns: Columns, reject: Reject) -> None:
        self._path, self._columns, self._reject = path, columns, reject
        self._native = NativeParser(columns)

    def read(self, block: Block) -> Iterator[pa.RecordBatch]:
        batch = self._fast(block)
        if batch is not None:
            yield batch
            return
        for piece in _pieces(block):
            batch = self._fast(piece)
            yield self._slow(piece) if batch is None else batch

    def _fast(self, block: Block) -> pa.RecordBatch | None:
        parsed = self._native.parse(block)
        if parsed is None:
            return None
        lines, arrays = parsed
        source: list[bytes] = []

        def why_null(row: int) -> str:
            if not source:
                source.extend(block.data.split(b"\n"))
            return self._reason(source[row - block.line])

        return self._batch(lines + block.line, arrays, why_null)

    def _slow(self, block: Block) -> pa.RecordBatch:
        paths = self._columns.paths
        rows: list[int] = []
        records: list[list[str | None]] = []
        for number, line in enumerate(block.data.split(b"\n"), block.line):
            if not line.strip(BLANK):
                continue
            try:
                records.append(values(decode(line), paths))
                rows.append(number)
            except Unusable as error:
                alone = self._alone(line)
                if alone is None:
                    self._reject(Rejected(self._path, f"line {number + 1}", str(error)))
                else:
                    records.append(alone)
                    rows.append(number)
        return self._batch(np.array(rows, np.int64), from_lists(paths, records))

    def _alone(self, line: bytes) -> list[str | None] | None:
        """The values of a line that only the native parser takes (``Inf``, very deep nesting): as in a block."""
        parsed = self._native.parse(Block.of(0, line))
        if parsed is None or len(parsed[0]) != 1:
            return None
        arrays = [parsed[1][path] for path in self._columns.paths]
        found = [None if array[0].as_py() is None else str(array.cast(pa.string())[0].as_py()) for array in arrays]
        return found if found[0] is not None else None

    def _reason(self, line: bytes) -> str:
        try:
            values(decode(line), self._columns.paths)
        except Unusable as error:
            return str(error)
        return "text is null"

    def _batch(
        self, rows: np.ndarray, arrays: dict[Path, pa.Array], why_null: Callable[[int], str] = null_text
    ) -> pa.RecordBatch:
        return assemble(
            self._path, self._columns, rows, arrays, self._reject, position=line_position, why_null=why_null
        )


def _pieces(block: Block) -> Iterator[Block]:
    line, start, data = block.line, 0, block.data
    while start < len(data):
        cut = data.rfind(b"\n", start, start + PIECE_BYTES) + 1
        if cut == 0:
            cut = data.find(b"\n", start) + 1 or len(data)
        piece = Block.of(line, data[start:cut])
        yield piece
        line += len(piece.ends)
        start = cut


def _without_bom(block: Block) -> Block:
    return Block.of(0, block.data[len(BOM) :]) if block.line == 0 and block.data.startswith(BOM) else block


def _first_lines(file: File) -> Iterator[bytes]:
    try:
        for block in blocks(chunks(file.path, file.compression), 0, 1):
            if isinstance(block, Block):
                yield from (line for line in _without_bom(block).data.split(b"\n") if line.strip(BLANK))
    except Damaged:
        return  # reading the file will report it


def _ranges(file: File, unit_bytes: int) -> Iterator[Part]:
    """Byte ranges that end at line ends, each with the number of its first line."""
    start = start_row = position = row = 0
    for chunk in chunks(file.path, None):
        base = 0
        while (cut := chunk.find(b"\n", max(base, start + unit_bytes - 1 - position)) + 1) > 0:
            row += chunk.count(b"\n", base, cut)
            yield Part(start, position + cut, start_row, None, position + cut - start)
            start, start_row, base = position + cut, row, cut
        row += chunk.count(b"\n", base)
        position += len(chunk)
    if start < position:
        yield Part(start, position, start_row, None, position - start)
