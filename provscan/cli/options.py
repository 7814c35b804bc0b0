"""Options and behaviour that commands share."""

from __future__ import annotations

import errno
import functools
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import click

from provscan.errors import ProvscanError
from provscan.report.visible import visible

if TYPE_CHECKING:
    from provscan.read import Rejected

F = TypeVar("F", bound=Callable[..., Any])
INTERRUPTED = 130
UNREAD = 3
"""Exit status when the work is done but some input could not be read."""


class Failure(click.ClickException):
    """An error that the user can mend: one sentence, exit status 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"provscan: {visible(self.format_message())}", file=sys.stderr)


class StrictFailure(Failure):
    """Input that could not be read where all of it had to be."""

    exit_code = UNREAD


def plain_errors(function: F) -> F:
    """Turn the library's named errors, and those of the file system, into a sentence and exit status 2."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ProvscanError as error:
            raise Failure(str(error)) from error
        except KeyboardInterrupt:
            # 1, which click would exit with, says that a gate is closed.
            click.echo("provscan: interrupted", err=True)
            sys.exit(INTERRUPTED)
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read our output has stopped; click knows what to do
                raise
            where = f"{error.filename}: " if error.filename else ""
            raise Failure(f"{where}{error.strerror or error}.") from error

    return wrapped  # type: ignore[return-value]


def load_kernels_quickly() -> None:
    """Keep numba from importing scipy, which takes 0.1 s, only to see whether there is a BLAS: no kernel uses it.

    In the program's own process only; a library must not decide this for others.
    """
    if "scipy" in sys.modules:
        return
    sys.modules["scipy"] = None  # type: ignore[assignment]
    try:
        import_module("numba.np.arraymath")
    finally:
        del sys.modules["scipy"]


def parse_meta(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """``NAME=COL`` pairs into a dict."""
    from provscan.schema import METADATA_COLUMNS

    meta = {}
    for value in values:
        name, equals, column = value.partition("=")
        if not equals or not column:
            raise click.BadParameter(f"'{value}' is not NAME=COL, for example created=timestamp.")
        if name not in METADATA_COLUMNS:
            raise click.BadParameter(f"'{name}' is not one of {', '.join(METADATA_COLUMNS)}.")
        meta[name] = column
    return meta


def input_options(function: F) -> F:
    """``--text``, ``--id`` and ``--meta``."""
    for option in (
        click.option(
            "--meta",
            multiple=True,
            metavar="NAME=COL",
            callback=parse_meta,
            help="Take metadata NAME (model, created, key, ...) from column COL; may be repeated.",
        ),
        click.option("--id", "id_column", metavar="COL", help="Column of the ids. [default: id, where there is one]"),
        click.option(
            "--text",
            "text_column",
            metavar="COL",
            help="Column of the text; dots descend into structs. [default: text, content, output, ...]",
        ),
    ):
        function = option(function)
    return function


def workers_option(function: F) -> F:
    """``--workers``."""
    return click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=lambda: os.cpu_count() or 1,
        show_default="number of cores",
        help="Threads; results do not depend on them.",
    )(function)


def report_rejected(count: int, where: str) -> None:
    """Say how much could not be read, and where it is listed; exits with status 3 if there was any."""
    if count:
        click.echo(f"{count:,} inputs or records could not be read: {where}", err=True)
        sys.exit(UNREAD)


class Rejections:
    """Prints what is rejected as it comes, for commands that write no rejected.jsonl."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, rejected: Rejected) -> None:
        self.count += 1
        click.echo(visible(f"{rejected.path}, {rejected.position}: {rejected.reason}"), err=True)

    def report(self) -> None:
        """Exit with status 3 if anything was rejected."""
        report_rejected(self.count, "listed above")
