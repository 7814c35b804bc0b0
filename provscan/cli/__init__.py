"""The command line: a file a command, no logic. Commands are imported when they are asked for."""

from __future__ import annotations

from importlib import import_module

import click

from provscan import __version__

COMMANDS = {
    "index": ("provscan.cli.index", "Build and look after an index of reference model outputs."),
    "scan": ("provscan.cli.scan", "Find which documents contain text of the references, and where."),
    "explain": ("provscan.cli.explain", "Show a document beside the references that it shares text with."),
}
"""Module and one line of help of each command; the line stands here so that --help imports nothing heavy."""


class Lazy(click.Group):
    """A group whose commands are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="provscan")
def main() -> None:
    """Find model-written text in training data, and prove it.

    \b
    Two steps:
      provscan index build OUTPUTS... -o INDEX     once, of what the models wrote
      provscan scan CORPUS... -i INDEX -o RESULTS  of what is to be trained on

    Exit status: 0 done, 1 a gate is closed, 2 the request was wrong, 3 done but some input could not be read.
    """
