"""One JSON record into the values of the wanted columns: the exact rules, which the native path has to match."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from provscan.read.columns import Field, Path

MAX_DEPTH = 8
MAX_FIELDS = 1000


class _Int(str):
    """An integer as it was written: ids may have more digits than any machine type."""


class _Float(str):
    """Any other number as it was written."""


class Unusable(ValueError):
    """A record without usable text; the message is the reason."""


decoder = json.JSONDecoder(parse_int=_Int, parse_float=_Float, parse_constant=_Float)


def decode(line: bytes) -> Any:
    """The JSON value in a line.

    Raises
    ------
    Unusable
        The line is not UTF-8 or not JSON.
    """
    try:
        return decoder.decode(line.decode())
    except UnicodeDecodeError as error:
        raise Unusable(f"invalid UTF-8 at byte {error.start} of the line") from error
    except json.JSONDecodeError as error:
        raise Unusable(f"bad JSON: {error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise Unusable("bad JSON: nested too deeply") from error


def values(record: Any, paths: Sequence[Path]) -> list[str | None]:
    """The text (the first path) and the labels (the other paths) of a record.

    Raises
    ------
    Unusable
        The record is not an object, or has no text.
    """
    if not isinstance(record, dict):
        raise Unusable(f"the record is {type_name(record)}, not an object")
    return [_text(record, paths[0]), *(_label(record, path) for path in paths[1:])]


def type_name(value: Any) -> str:
    """The type of a JSON value, in the words of Python where JSON has none."""
    if isinstance(value, _Int):
        return "int"
    if isinstance(value, _Float):
        return "float"
    names = {str: "string", bool: "bool", dict: "object", list: "list", type(None): "null"}
    return names.get(type(value), type(value).__name__)


def fields(records: Sequence[Any]) -> list[Field]:
    """The fields of some records, nested ones included, each with the kind of its first value that is not null."""
    kinds: dict[Path, str] = {}

    def walk(prefix: Path, value: dict[str, Any]) -> None:
        for key, child in value.items():
            path = (*prefix, key)
            if len(kinds) >= MAX_FIELDS and path not in kinds:
                continue
            kind = "struct" if isinstance(child, dict) else type_name(child)
            if kinds.get(path, "null") == "null":
                kinds[path] = kind
            if isinstance(child, dict) and len(path) < MAX_DEPTH:
                walk(path, child)

    for record in records:
        if isinstance(record, dict):
            walk((), record)
    return [Field(path, kind) for path, kind in kinds.items()]


_ABSENT = object()


def _at(record: dict[str, Any], path: Path) -> Any:
    value: Any = record
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return _ABSENT
        value = value[name]
    return value


def _text(record: dict[str, Any], path: Path) -> str:
    value = _at(record, path)
    if value is _ABSENT:
        raise Unusable(f"no field '{'.'.join(path)}'")
    if value is None:
        raise Unusable("text is null")
    if type(value) is not str:
        raise Unusable(f"text is {type_name(value)}, not a string")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Unusable(f"invalid UTF-8 or lone surrogate at character {error.start} of the text") from error
    return value


def _label(record: dict[str, Any], path: Path) -> str | None:
    value = _at(record, path)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _Int):
        return "0" if value == "-0" else str(value)
    if not isinstance(value, str):
        return None
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
