"""Inputs into units of work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from provscan.errors import ColumnError, InputError
from provscan.read.columns import Columns, Field, listed, missing, resolve
from provscan.read.discover import discover
from provscan.read.options import ReadOptions, Rejected
from provscan.read.sniff import sniff
from provscan.read.source import one_line, size_of
from provscan.read.unit import FAILURES, File, Inspection, Unit, reader


@dataclass(frozen=True)
class Plan:
    """What there is to read.

    Parameters
    ----------
    files : tuple of File
        The files that can be read, in the order of the inputs.
    units : tuple of Unit
        Their pieces, in order.
    rejected : tuple of Rejected
        The files that cannot be read.
    """

    files: tuple[File, ...]
    units: tuple[Unit, ...]
    rejected: tuple[Rejected, ...]


def plan(inputs: Sequence[str], options: ReadOptions | None = None) -> Plan:
    """Find the files of a request, recognise them, choose their columns and cut them into units.

    Parameters
    ----------
    inputs : sequence of str
        Files, directories, globs and URLs.
    options : ReadOptions
        What to read.

    Raises
    ------
    InputError
        An input does not exist or matches nothing.
    ColumnError
        No file has the text column, or a column that was named. Where only some files lack the text column they are
        rejected; where only some lack another column it is null in them.
    """
    options = options or ReadOptions()
    if not inputs:
        raise InputError("There is no input; name files, directories, globs or URLs.")
    rejected: list[tuple[int, Rejected]] = []
    inspected: list[tuple[int, File, Inspection]] = []
    for index, path in enumerate(discover(inputs)):
        try:
            file = sniff(path, size_of(path))
            inspected.append((index, file, reader(file.format).inspect(file, options)))
        except (*FAILURES, InputError) as error:
            rejected.append((index, Rejected(path, "file", one_line(error))))
    _check_named(inspected, options)
    chosen = _choose(inspected, options, rejected)
    files: list[File] = []
    units: list[Unit] = []
    for index, file, inspection, columns in chosen:
        try:
            units += _units(index, file, inspection, columns)
            files.append(file)
        except FAILURES as error:
            rejected.append((index, Rejected(file.path, "file", one_line(error))))
    rejected.sort(key=lambda pair: pair[0])
    return Plan(tuple(files), tuple(units), tuple(rejection for _, rejection in rejected))


def _choose(
    inspected: list[tuple[int, File, Inspection]], options: ReadOptions, rejected: list[tuple[int, Rejected]]
) -> list[tuple[int, File, Inspection, Columns]]:
    chosen = []
    errors: list[ColumnError] = []
    for index, file, inspection in inspected:
        try:
            columns = resolve(file.path, inspection.fields, options, fixed=inspection.fixed)
        except ColumnError as error:
            errors.append(error)
            rejected.append((index, Rejected(file.path, "file", str(error))))
            continue
        chosen.append((index, file, inspection, columns))
    if errors and not chosen:
        raise errors[0]
    return chosen


def _check_named(inspected: list[tuple[int, File, Inspection]], options: ReadOptions) -> None:
    """Raise if a column that was named for the id or the metadata is in no file; sparse fields count if seen."""
    absent: set[tuple[str, str]] | None = None
    first: tuple[File, list[Field]] | None = None
    for _, file, inspection in inspected:
        if not inspection.fields:
            continue
        here = set(missing(inspection.fields, options))
        absent = here if absent is None else absent & here
        first = first or (file, inspection.fields)
    if absent and first is not None:
        option, name = min(absent)
        raise ColumnError(
            f"{first[0].path} has no column '{name}'; it has: {listed(first[1])}. Give {option} a column that exists."
        )


def _units(index: int, file: File, inspection: Inspection, columns: Columns) -> list[Unit]:
    return [
        Unit(
            name=f"{index:06d}-{number:06d}",
            path=file.path,
            format=file.format,
            compression=file.compression,
            part=number,
            first_row=part.first_row,
            start=part.start,
            stop=part.stop,
            rows=part.rows,
            bytes=part.bytes,
            columns=columns,
        )
        for number, part in enumerate(inspection.parts())
    ]
