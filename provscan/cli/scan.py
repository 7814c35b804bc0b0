"""provscan scan."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from provscan.cli.options import (
    StrictFailure,
    input_options,
    load_kernels_quickly,
    plain_errors,
    report_rejected,
    workers_option,
)


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-i", "--index", required=True, type=click.Path(file_okay=False, path_type=Path), help="Index of the references."
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT", help="Folder for the results."
)
@input_options
@workers_option
@click.option("--resume", is_flag=True, help="Go on with an interrupted scan in OUT.")
@click.option("--strict", is_flag=True, help="Fail at the first input that cannot be read.")
@click.option("--quiet", is_flag=True, help="No progress and no summary.")
@plain_errors
def command(
    inputs: tuple[str, ...],
    index: Path,
    output: Path,
    text_column: str | None,
    id_column: str | None,
    meta: dict[str, str],
    workers: int,
    resume: bool,
    strict: bool,
    quiet: bool,
) -> None:
    """Find which documents of INPUT contain text of the references in INDEX, and where.

    INPUT is a file, folder, glob or URL of Parquet, JSONL, CSV, TSV, Arrow or text. OUT gets documents-*.parquet,
    hits-*.parquet, summary.json, rejected.jsonl and manifest.json.
    """
    load_kernels_quickly()
    from provscan.report.progress import Progress
    from provscan.report.terminal import describe_scan
    from provscan.run.local import StrictError
    from provscan.run.scan import ScanOptions, scan

    options = ScanOptions(text=text_column, id=id_column, meta=meta, workers=workers, strict=strict, resume=resume)
    progress = Progress(sys.stderr, quiet)
    try:
        summary: dict[str, Any] = scan(inputs, index, output, options, progress.started)
    except StrictError as error:
        raise StrictFailure(f"{error} (--strict)") from error
    finally:
        progress.end()
    if not quiet:
        click.echo(describe_scan(summary, output), err=True)
    report_rejected(summary["rejected"], str(output / "rejected.jsonl"))
