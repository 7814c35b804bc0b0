"""Inputs into files: single files, directories, globs and fsspec URLs, each file once."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from provscan.errors import InputError
from provscan.read.source import filesystem, is_http, is_url, one_line

WILDCARDS = "*?["

T = TypeVar("T")


def discover(inputs: Sequence[str]) -> Iterator[str]:
    """The files that the inputs name, in their order, sorted within a directory or a glob.

    Names that begin with ``_`` or ``.`` are left out, as Spark does, except where they are named themselves.

    Raises
    ------
    InputError
        An input does not exist, matches nothing, or is a directory without files.
    """
    seen: set[str] = set()
    for name in inputs:
        found = False
        for path in _remote(name) if is_url(name) else _local(name):
            found = True
            key = path if is_url(path) else os.path.realpath(path)
            if key not in seen:
                seen.add(key)
                yield path
        if not found:
            raise InputError(f"{name} holds no files; names that begin with _ or . are left out.")


def _hidden(name: str) -> bool:
    return os.path.basename(name.rstrip("/")).startswith(("_", "."))


def _local(name: str) -> Iterator[str]:
    if os.path.isdir(name):
        yield from _walk(name, set())
    elif os.path.lexists(name):
        yield name
    elif any(mark in name for mark in WILDCARDS):
        matches = _shown(name, sorted(glob.glob(name, recursive=True)))
        if not matches:
            raise InputError(f"{name} matches no files; check the pattern.")
        for match in matches:
            yield from _walk(match, set()) if os.path.isdir(match) else (match,)
    else:
        raise InputError(f"{name} does not exist; check the path.")


def _shown(pattern: str, matches: list[str]) -> list[str]:
    """The matches that no wildcard took from a hidden name."""
    fixed = {part for part in pattern.replace("\\", "/").split("/") if part.startswith(("_", "."))}
    if fixed - {".", ".."} and any(mark in part for part in fixed for mark in WILDCARDS):
        return matches  # the pattern asks for hidden names

    def shown(path: str) -> bool:
        return all(part in fixed or not part.startswith(("_", ".")) for part in path.split(os.sep))

    return [path for path in matches if shown(path)]


def _walk(directory: str, above: set[str]) -> Iterator[str]:
    """The files beneath a directory; links to directories are followed unless they lead back up."""
    real = os.path.realpath(directory)
    if real in above:
        return
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        raise InputError(f"{directory} cannot be listed: {one_line(error)}.") from error
    for name in names:
        if _hidden(name):
            continue
        path = os.path.join(directory, name)
        if os.path.isdir(path):
            yield from _walk(path, above | {real})
        else:
            yield path


def _remote(name: str) -> Iterator[str]:
    system, inner = filesystem(name)
    if is_http(name):  # a query may hold a wildcard, and web servers do not list
        if not _ask(name, lambda: system.exists(inner)):
            raise InputError(f"{name} does not exist or the server does not answer; check the address.")
        yield name
        return
    if any(mark in inner for mark in WILDCARDS) and not _ask(name, lambda: system.exists(inner)):
        found = _ask(name, lambda: sorted(system.glob(inner)))
        base = ""
    elif _ask(name, lambda: system.isdir(inner)):
        found = _ask(name, lambda: sorted(system.find(inner)))
        base = inner.rstrip("/") + "/"
    elif _ask(name, lambda: system.exists(inner)):
        yield name
        return
    else:
        raise InputError(f"{name} does not exist; check the address.")
    for path in found:
        parts = path.removeprefix(base).split("/") if base else [path]
        if not any(_hidden(part) for part in parts) and not system.isdir(path):
            yield system.unstrip_protocol(path)


def _ask(name: str, question: Callable[[], T]) -> T:
    try:
        return question()
    except Exception as error:  # drivers raise whatever their client library raises
        raise InputError(f"{name} cannot be listed: {one_line(error)}.") from error
