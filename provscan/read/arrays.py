"""Columns of any Arrow type into the batches that every reader yields: row, id, text, metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provscan.read.columns import Columns, Field, Path
from provscan.read.options import MAX_RECORD_BYTES, ReadOptions, Rejected
from provscan.read.utf8 import as_binary, first_bad_byte, invalid_rows, repaired

Reject = Callable[[Rejected], None]


def row_position(row: int) -> str:
    """The position of a record in rejected.jsonl, where records are not lines."""
    return f"row {row}"


def line_position(row: int) -> str:
    """The position of a record in rejected.jsonl, where records are lines: counted from 1, as editors do."""
    return f"line {row + 1}"


def null_text(row: int) -> str:
    """Why a null text is rejected, where nothing more is known."""
    return "text is null"


def kind_of(arrow: pa.DataType) -> str:
    """The kind (see `provscan.read.columns.Field`) of an Arrow type."""
    if isinstance(arrow, pa.BaseExtensionType):
        arrow = arrow.storage_type
    if pa.types.is_dictionary(arrow):
        arrow = arrow.value_type
    is_ = pa.types
    if any(test(arrow) for test in (is_.is_string, is_.is_large_string, is_.is_string_view)):
        return "string"
    if any(test(arrow) for test in (is_.is_binary, is_.is_large_binary, is_.is_binary_view)):
        return "string"
    if is_.is_struct(arrow):
        return "struct"
    return str(arrow)


def fields_of(schema: pa.Schema) -> list[Field]:
    """Every column of a schema and every field of its structs, a struct before its fields."""
    found: list[Field] = []

    def walk(prefix: Path, arrow: pa.DataType) -> None:
        for index in range(arrow.num_fields):
            child = arrow.field(index)
            found.append(Field((*prefix, child.name), kind_of(child.type)))
            if pa.types.is_struct(child.type):
                walk((*prefix, child.name), child.type)

    walk((), pa.struct(list(schema)))
    return found


def pick(batch: pa.RecordBatch, path: Path) -> pa.Array:
    """The column at `path`; null where a struct on the way is null."""
    array = batch.column(batch.schema.get_all_field_indices(path[0])[0])
    for name in path[1:]:
        array = pc.struct_field(array, [array.type.get_field_index(name)])
    return array


def bounded(batch: pa.RecordBatch, columns: Columns) -> Iterator[pa.RecordBatch]:
    """Parts of a batch whose text, if it is stored as a dictionary, stays within bounds when it is written out."""
    text = pick(batch, columns.text)
    if batch.num_rows > 1 and pa.types.is_dictionary(text.type) and kind_of(text.type) == "string":
        lengths = pc.binary_length(text.dictionary.cast(pa.large_binary()))
        if (pc.sum(lengths.take(text.indices)).as_py() or 0) > MAX_RECORD_BYTES:
            middle = batch.num_rows // 2
            yield from bounded(batch.slice(0, middle), columns)
            yield from bounded(batch.slice(middle), columns)
            return
    yield batch


def strings(array: pa.Array) -> pa.Array | None:
    """An array of text as string or large_string, without a copy where it is stored as one; None for other types."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    arrow = array.type
    if pa.types.is_string(arrow) or pa.types.is_large_string(arrow):
        return array
    if pa.types.is_binary(arrow):
        return array.view(pa.string())
    if pa.types.is_large_binary(arrow):
        return array.view(pa.large_string())
    if pa.types.is_string_view(arrow) or pa.types.is_binary_view(arrow):
        # through binary: a cast between string types may repair bytes that have to be rejected
        return array.cast(pa.binary_view()).cast(pa.large_binary()).view(pa.large_string())
    if pa.types.is_null(arrow):
        return array.cast(pa.string())
    return None


def labels(array: pa.Array | None, rows: int) -> pa.Array:
    """An id or metadata column as valid strings: numbers in decimal, times in ISO 8601, lists and structs null."""
    if array is None:
        return pa.nulls(rows, pa.string())
    text = strings(array)
    if text is None:
        arrow = array.type
        if pa.types.is_nested(arrow) or pa.types.is_fixed_size_binary(arrow):
            return pa.nulls(rows, pa.string())
        text = array.cast(pa.string())
        if pa.types.is_timestamp(arrow):
            text = pc.replace_substring(text, " ", "T", max_replacements=1)
            text = pc.replace_substring_regex(text, r"\.0+($|[Z+-])", r"\1")
    text = repaired(text)
    return text if pa.types.is_string(text.type) else text.cast(pa.string())


def assemble(
    path: str,
    columns: Columns,
    rows: np.ndarray,
    arrays: dict[Path, pa.Array],
    reject: Reject,
    *,
    position: Callable[[int], str] = row_position,
    why_null: Callable[[int], str] = null_text,
) -> pa.RecordBatch:
    """Make a batch and reject the rows without usable text.

    Parameters
    ----------
    path : str
        The file, for the rejections.
    columns : Columns
        What to take from `arrays`.
    rows : ndarray of int64, shape (n,)
        The row of each record in its file.
    arrays : dict of path to Array
        The columns that were read, each of length n.
    reject : callable
        Receives the rejections, in row order.
    position, why_null : callable
        Position of a row for people, and why its text is null.
    """
    text = strings(arrays[columns.text])
    if text is None:
        for row in rows.tolist():
            reject(Rejected(path, position(row), f"text is {kind_of(arrays[columns.text].type)}, not a string"))
        text, rows = pa.array([], pa.string()), rows[:0]
        arrays = {name: array.slice(0, 0) for name, array in arrays.items()}
    reasons: dict[int, str] = {}
    if text.null_count:
        nulls = np.flatnonzero(text.is_null().to_numpy(zero_copy_only=False))
        reasons = {i: why_null(int(rows[i])) for i in nulls.tolist()}
    for i in invalid_rows(text):
        byte = first_bad_byte(as_binary(text)[i].as_py())
        reasons[i] = f"invalid UTF-8 at byte {byte} of the text"
    for i in _too_long(text):
        reasons.setdefault(i, f"the text is longer than {MAX_RECORD_BYTES} bytes")
    everything = {"row": pa.array(rows), "id": labels(arrays[columns.id] if columns.id else None, len(rows))}
    everything["text"] = text
    for name, column in columns.metadata:
        everything[name] = labels(arrays[column] if column else None, len(rows))
    batch = pa.RecordBatch.from_pydict(everything)
    if not reasons:
        return batch
    for i in sorted(reasons):
        reject(Rejected(path, position(int(rows[i])), reasons[i]))
    keep = np.ones(len(rows), bool)
    keep[list(reasons)] = False
    return batch.filter(pa.array(keep))


def offsets_of(text: pa.Array) -> np.ndarray:
    """The offsets of a string array, shape (n + 1,), in its data buffer."""
    width = np.int64 if pa.types.is_large_string(text.type) else np.int32
    if len(text) == 0 or text.buffers()[1] is None:
        return np.zeros(len(text) + 1, width)
    return np.frombuffer(text.buffers()[1], width)[text.offset : text.offset + len(text) + 1]


def _too_long(text: pa.Array) -> list[int]:
    offsets = offsets_of(text)
    if offsets[-1] - offsets[0] <= MAX_RECORD_BYTES:
        return []
    return [int(i) for i in np.flatnonzero(np.diff(offsets) > MAX_RECORD_BYTES)]


def split(batch: pa.RecordBatch, options: ReadOptions) -> Iterator[pa.RecordBatch]:
    """Slices of a batch within the sizes of `options`; a batch is never empty."""
    offsets = offsets_of(batch.column("text"))
    if batch.num_rows and batch.num_rows <= options.batch_rows and offsets[-1] - offsets[0] <= 2 * options.batch_bytes:
        yield batch
        return
    start = 0
    while start < batch.num_rows:
        stop = int(np.searchsorted(offsets, offsets[start] + options.batch_bytes, side="right")) - 1
        stop = min(max(stop, start + 1), start + options.batch_rows, batch.num_rows)
        yield batch.slice(start, stop - start)
        start = stop


def from_lists(paths: Sequence[Path], rows: Sequence[Sequence[str | None]]) -> dict[Path, pa.Array]:
    """String columns from records given as sequences of values, one for each path."""
    return {path: pa.array([row[i] for row in rows], pa.large_string()) for i, path in enumerate(paths)}
