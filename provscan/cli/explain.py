"""provscan explain."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from provscan.cli.options import plain_errors


@click.command()
@click.argument("out", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("document")
@click.option("-i", "--index", type=click.Path(file_okay=False, path_type=Path), help="Index, if it was moved.")
@click.option("--most", type=click.IntRange(min=1), default=3, show_default=True, help="References to show.")
@click.option("--width", type=click.IntRange(min=1), help="Columns of the page.  [default: the terminal's]")
@click.option("--color/--no-color", default=None, help="Mark shared text by colour.  [default: on a terminal]")
@plain_errors
def command(out: Path, document: str, index: Path | None, most: int, width: int | None, color: bool | None) -> None:
    """Show DOCUMENT, an id or PATH:ROW, beside the references that it shares text with.

    Shared text stands in colour, or [[between brackets]] where there is none.
    """
    from provscan.report.side_by_side import explain

    if color is None:
        color = sys.stdout.isatty()
    click.echo(explain(out, document, index, most, width or shutil.get_terminal_size((120, 40)).columns, color))
