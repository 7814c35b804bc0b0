"""Blocks of JSON lines through Arrow's parser, for blocks where it surely does what `json_records` would do."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provscan.read.columns import Columns, Path
from provscan.read.lines import Block

ARROW_TYPES = {"int": pa.int64(), "bool": pa.bool_()}

# Arrow's parser follows a null pointer where null stands outside an object (apache/arrow issue 47409).
NULL_AFTER_OBJECT = re.compile(rb"\}[ \t\r]*n")


class NativeParser:
    """Parses blocks of lines, or declines.

    Parameters
    ----------
    columns : Columns
        The paths to read and the kinds that the first lines showed. A value of another kind makes the parser
        decline its block, nothing else.
    """

    def __init__(self, columns: Columns) -> None:
        import pyarrow.json as pj

        self._json = pj
        self._paths = columns.paths
        kinds = dict(columns.kinds)
        types = {path: ARROW_TYPES.get(kinds.get(path, "string"), pa.string()) for path in self._paths}
        types[columns.text] = pa.string()
        tree = _tree(types)
        self._options = None
        if tree is not None:
            self._options = pj.ParseOptions(
                explicit_schema=pa.schema(_arrow_fields(tree)), unexpected_field_behavior="ignore"
            )

    def parse(self, block: Block) -> tuple[np.ndarray, dict[Path, pa.Array]] | None:
        """Parse a block.

        Returns
        -------
        lines : ndarray of int64
            The number within the block of each line that is not blank.
        arrays : dict of path to Array
            Its values.
        None
            if any line might be read otherwise than line by line: the caller takes the slow way.
        """
        data = block.data
        lines = None if self._options is None else _plain_lines(block)
        if lines is None:
            return None
        if len(lines) == 0:
            return lines, {path: pa.array([], pa.string()) for path in self._paths}
        options = self._json.ReadOptions(use_threads=False, block_size=len(data) + 1)
        try:
            table = self._json.read_json(pa.BufferReader(data), read_options=options, parse_options=self._options)
        except pa.ArrowException:
            return None
        if table.num_rows != len(lines):
            return None
        batch = table.combine_chunks().to_batches()[0]
        return lines, {path: _column(batch, path) for path in self._paths}


def _plain_lines(block: Block) -> np.ndarray | None:
    """The numbers of the lines that are not blank, if each of these is one object from its first to its last byte.

    A line that begins with { and ends with } holds at least one object, and no object can go on in the next line
    (that would need a comma between). So a parser that finds as many objects as lines has found one in each.
    """
    data, ends = block.data, block.ends
    if not data:
        return ends
    raw = np.frombuffer(data, np.uint8)
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(raw))
    starts = np.concatenate(([0], ends[:-1] + 1))
    ends = ends - ((ends > starts) & (raw[ends - 1] == ord("\r")))
    lines = np.flatnonzero(ends > starts)
    starts, ends = starts[lines], ends[lines]
    if (raw[starts] != ord("{")).any() or (raw[ends - 1] != ord("}")).any():
        return None
    if b"\0" in data or NULL_AFTER_OBJECT.search(data) or not _is_utf8(data):
        return None
    return lines


def _is_utf8(data: bytes) -> bool:
    offsets = pa.py_buffer(np.array([0, len(data)], np.int64))
    try:
        pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _tree(types: dict[Path, pa.DataType]) -> dict[str, Any] | None:
    """The types as nested dicts; None where one path is wanted both as a value and as an object."""
    tree: dict[str, Any] = {}
    for path, arrow in types.items():
        node = tree
        for name in path[:-1]:
            child = node.setdefault(name, {})
            if not isinstance(child, dict):
                return None
            node = child
        if path[-1] in node:
            return None
        node[path[-1]] = arrow
    return tree


def _arrow_fields(tree: dict[str, Any]) -> list[pa.Field]:
    return [
        pa.field(name, pa.struct(_arrow_fields(node)) if isinstance(node, dict) else node)
        for name, node in tree.items()
    ]


def _column(batch: pa.RecordBatch, path: Path) -> pa.Array:
    array = batch.column(batch.schema.get_field_index(path[0]))
    for name in path[1:]:
        array = pc.struct_field(array, [array.type.get_field_index(name)])
    return array
