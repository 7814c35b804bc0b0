"""Finding the strings of an Arrow array that are not valid UTF-8."""

from __future__ import annotations

import pyarrow as pa


def invalid_rows(array: pa.Array) -> list[int]:
    """Positions of the strings that are not UTF-8, lone surrogates included.

    One native pass (about 10 GB/s) where all are valid; otherwise halves are searched, so that a few bad strings
    cost a few passes.

    Parameters
    ----------
    array : pa.Array
        A string or large_string array with valid offsets.
    """
    found: list[int] = []
    pending = [(0, len(array))]
    while pending:
        start, stop = pending.pop()
        if start == stop or _valid(array.slice(start, stop - start)):
            continue
        if stop - start == 1:
            found.append(start)
            continue
        middle = (start + stop) // 2
        pending += [(middle, stop), (start, middle)]
    return found


def _valid(array: pa.Array) -> bool:
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def as_binary(array: pa.Array) -> pa.Array:
    """The same buffers as bytes, which Arrow hands to Python without decoding."""
    return array.view(pa.large_binary() if pa.types.is_large_string(array.type) else pa.binary())


def first_bad_byte(data: bytes) -> int:
    """Offset of the first byte that is not UTF-8; the length if all are."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return len(data)


def repaired(array: pa.Array) -> pa.Array:
    """A string array with U+FFFD in place of invalid bytes; the array itself where there are none."""
    if _valid(array):
        return array
    values = as_binary(array).to_pylist()
    return pa.array([None if v is None else v.decode("utf-8", "replace") for v in values], array.type)
