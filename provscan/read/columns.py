"""Which column holds the text, the id and the metadata of a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from provscan.errors import ColumnError
from provscan.read.options import ReadOptions

TEXT_COLUMNS = (
    "text",
    "content",
    "output",
    "completion",
    "response",
    "answer",
    "generation",
    "generated_text",
    "body",
    "message",
)
"""Names that are tried in this order where no text column is named; in other cases than lower case last."""

Path = tuple[str, ...]
"""A column: one name, or the names from the outermost struct to the field in it."""


@dataclass(frozen=True)
class Field:
    """A column that a file has.

    `kind` is ``string``, ``int``, ``bool``, ``null``, ``struct``, or a type's name that is none of these.
    """

    path: Path
    kind: str

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True)
class Columns:
    """The columns to read from one file.

    Parameters
    ----------
    text : tuple of str
        Path of the text column.
    id : tuple of str or None
        Path of the id column, None if there is none.
    metadata : tuple of (str, tuple of str or None)
        Each metadata name that was asked for, and the path of its column.
    kinds : tuple of (tuple of str, str)
        Path and kind of each of these columns, as far as known.
    """

    text: Path
    id: Path | None
    metadata: tuple[tuple[str, Path | None], ...]
    kinds: tuple[tuple[Path, str], ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every path to read, each once, the text first."""
        wanted = (self.text, self.id, *(path for _, path in self.metadata))
        return tuple(dict.fromkeys(path for path in wanted if path is not None))


def resolve(file: str, fields: Sequence[Field], options: ReadOptions, *, fixed: bool) -> Columns:
    """Choose the columns of a file.

    Parameters
    ----------
    file : str
        Path for the message.
    fields : sequence of Field
        What the file has, or what its first records have.
    options : ReadOptions
        What was asked for.
    fixed : bool
        The file has a schema. Otherwise a record further down may have fields that the first ones lack, so that
        id and metadata are looked for in every record.

    Raises
    ------
    ColumnError
        No column can be the text.
    """
    text = _text(file, fields, options, fixed)
    identifier = _named(fields, options.id or "id") or (None if fixed else _split(options.id or "id"))
    metadata = []
    for name in options.metadata:
        column = options.meta.get(name, name)
        metadata.append((name, _named(fields, column) or (None if fixed else _split(column))))
    kinds = {field.path: field.kind for field in fields}
    columns = Columns(text, identifier, tuple(metadata))
    return Columns(
        text, identifier, tuple(metadata), tuple((path, kinds[path]) for path in columns.paths if path in kinds)
    )


def missing(fields: Sequence[Field], options: ReadOptions) -> list[tuple[str, str]]:
    """The columns named for the id and the metadata that are not among `fields`: pairs of option and column."""
    asked = [("--id", options.id)] if options.id is not None else []
    asked += [("--meta", options.meta[name]) for name in options.metadata if name in options.meta]
    return [(option, name) for option, name in asked if name is not None and _named(fields, name) is None]


def listed(fields: Sequence[Field]) -> str:
    """The names of `fields` for a message."""
    names = list(dict.fromkeys(field.name for field in fields))
    return ", ".join(names[:50]) + (f" and {len(names) - 50} more" if len(names) > 50 else "") if names else "none"


def _split(name: str) -> Path:
    return tuple(name.split("."))


def _named(fields: Sequence[Field], name: str) -> Path | None:
    """A column of exactly this name before a path through structs that reads the same."""
    paths = [field.path for field in fields if field.name == name]
    return min(paths, key=len) if paths else None


def _text(file: str, fields: Sequence[Field], options: ReadOptions, fixed: bool) -> Path:
    if not fields and not fixed:
        return _split(options.text or TEXT_COLUMNS[0])
    if options.text is not None:
        path = _named(fields, options.text)
        if path is None:
            raise ColumnError(
                f"{file} has no column '{options.text}'; it has: {listed(fields)}. Name the text column with --text."
            )
        kind = next(field.kind for field in fields if field.path == path)
        if fixed and kind not in ("string", "null"):
            raise ColumnError(
                f"{file}: column '{options.text}' is {kind}, not a string; it has: {listed(fields)}. "
                "Name the text column with --text."
            )
        return path
    top = [field for field in fields if len(field.path) == 1]
    candidates = [f for name in TEXT_COLUMNS for f in top if f.path[0] == name]
    candidates += [f for name in TEXT_COLUMNS for f in top if f.path[0].lower() == name and f.path[0] != name]
    for kinds in (("string",), ("null",), () if fixed else ("int", "float", "bool")):
        for field in candidates:
            if field.kind in kinds:
                return field.path
    raise ColumnError(
        f"{file} has no text column (tried {', '.join(TEXT_COLUMNS)}); it has: {listed(fields)}. "
        "Name the text column with --text."
    )
