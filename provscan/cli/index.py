"""provscan index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from provscan.cli.options import Failure, Rejections, input_options, load_kernels_quickly, plain_errors, workers_option

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Build and look after an index of reference model outputs."""


def source_options(function: Any) -> Any:
    """Constants for the metadata of references."""
    for name, what in (
        ("source", "Where they come from"),
        ("provider", "Who offers the model, for example openai"),
        ("model", "The model that wrote them"),
    ):
        function = click.option(
            f"--{name}", metavar="NAME", help=f"{what}, for references that do not say so themselves."
        )(function)
    return function


def run(inputs: tuple[str, ...], folder: Path, kwargs: dict[str, Any], add: bool) -> None:
    load_kernels_quickly()
    from provscan.index import build as library
    from provscan.report.terminal import describe_build

    rejections = Rejections()
    constants = {name: value for name in ("model", "provider", "source") if (value := kwargs.pop(name))}
    options = library.BuildOptions(
        text=kwargs.pop("text_column"), id=kwargs.pop("id_column"), constants=constants, **kwargs
    )
    manifest = (library.add if add else library.build)(inputs, folder, options, rejections)
    click.echo(describe_build(folder, manifest), err=True)
    rejections.report()


@command.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", required=True, type=FOLDER, metavar="INDEX", help="Folder to make.")
@click.option("--store-text", is_flag=True, help="Keep the texts, so that evidence can show them.")
@source_options
@input_options
@workers_option
@plain_errors
def build(inputs: tuple[str, ...], output: Path, **kwargs: Any) -> None:
    """Build an index of the texts in INPUT: files, folders, globs or URLs."""
    run(inputs, output, kwargs, add=False)


@command.command()
@click.argument("index", type=FOLDER)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--store-text", is_flag=True, help="Keep the texts of what is added.")
@source_options
@input_options
@workers_option
@plain_errors
def add(index: Path, inputs: tuple[str, ...], **kwargs: Any) -> None:
    """Add the texts in INPUT to INDEX; readers see all of them or none."""
    run(inputs, index, kwargs, add=True)


@command.command()
@click.argument("index", type=FOLDER)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@input_options
@plain_errors
def background(index: Path, inputs: tuple[str, ...], text_column: str | None, id_column: str | None, meta: Any) -> None:
    """Learn from trusted human text which phrases tell nothing: hashes only, and readers use them at once.

    Take text of the kinds that will be scanned, from before models wrote: what stands in it is never evidence.
    """
    load_kernels_quickly()
    from provscan.index.background import add_background
    from provscan.index.build import BuildOptions

    rejections = Rejections()
    options = BuildOptions(text=text_column, id=id_column, meta=meta)
    learnt = add_background(inputs, index, options, rejections).background[-1]
    click.echo(f"{index}: learnt from {learnt.documents:,} documents, {learnt.tokens:,} tokens", err=True)
    rejections.report()


@command.command()
@click.argument("index", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@plain_errors
def info(index: Path, as_json: bool) -> None:
    """Say what INDEX holds."""
    from provscan.index.store import Index
    from provscan.report.terminal import describe_index

    found = Index(index).info()
    click.echo(json.dumps(found, indent=1, ensure_ascii=False) if as_json else describe_index(found))


@command.command()
@click.argument("index", type=FOLDER)
@plain_errors
def verify(index: Path) -> None:
    """Compare every file of INDEX with its checksum."""
    from provscan.index.store import Index

    damage = list(Index(index).verify())
    if damage:
        raise Failure(" ".join(damage) + " Restore the index or build it anew.")
    click.echo(f"{index}: every file is as it was written.", err=True)
