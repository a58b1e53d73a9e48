"""The `wherry` command: a table of commands, each loaded only when it is used.

To add a command: one file with a `click.Command`, one line in `SECTIONS`.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence

import click

from wherry import KUBERNETES_VERSION, __version__
from wherry.base import garbage

SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Clusters": {
        "up": "wherry.cli.up:up",
        "down": "wherry.cli.down:down",
        "start": "wherry.cli.start:start",
        "stop": "wherry.cli.stop:stop",
        "reset": "wherry.cli.reset:reset",
        "status": "wherry.cli.status:status",
        "list": "wherry.cli.list_clusters:list_clusters",
        "clock": "wherry.cli.clock:clock",
        "kubeconfig": "wherry.cli.kubeconfig:kubeconfig",
        "doctor": "wherry.cli.doctor:doctor",
        "version": "wherry.cli.version:version",
    },
    "Objects, as kubectl": {
        "get": "wherry.cli.get:get",
        "describe": "wherry.cli.describe:describe",
        "apply": "wherry.cli.apply:apply",
        "create": "wherry.cli.create:create",
        "delete": "wherry.cli.delete:delete",
        "wait": "wherry.cli.wait:wait",
        "top": "wherry.cli.top:top",
        "logs": "wherry.cli.logs:logs",
        "exec": "wherry.cli.exec_command:exec_command",
        "port-forward": "wherry.cli.port_forward:port_forward",
    },
    "Understanding": {
        "explain-pending": "wherry.cli.explain_pending:explain_pending",
    },
    "Images and credentials": {
        "image": "wherry.cli.image:image",
        "token": "wherry.cli.token:token",
        "completion": "wherry.cli.completion:completion",
    },
}
HIDDEN: Mapping[str, str] = {}


class LazyGroup(click.Group):
    """Loads a command's module when the command is asked for; `--help` shows them by section."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for commands in SECTIONS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = HIDDEN.get(cmd_name)
        for commands in SECTIONS.values():
            place = commands.get(cmd_name, place)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f"; did you mean `wherry {close[0]}`?" if close else "; `wherry --help` lists the commands"
            raise click.UsageError(f"there is no command {args[0]!r}{hint}", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in SECTIONS.items():
            rows = []
            for name in commands:
                command = self.get_command(ctx, name)
                if command is not None and not command.hidden:
                    rows.append((name, command.get_short_help_str(88)))
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Every command has its own --help. Start with: wherry up",
)
@click.version_option(__version__, prog_name="wherry", message=f"wherry %(version)s (Kubernetes {KUBERNETES_VERSION})")
def cli() -> None:
    """A whole container platform in one Python package: a Kubernetes cluster in a second, without Docker, VM or account."""


def main() -> None:
    """Run the command line and exit with its code."""
    garbage.tune()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """The exit code; every expected failure is one line on standard error and code 1."""
    try:
        # Not standalone: click then gives an `Exit`'s code back instead of raising it.
        return cli.main(list(arguments), prog_name="wherry", standalone_mode=False) or 0
    except click.Abort:
        return 130
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.UsageError as error:
        click.echo(f"error: {_uncapitalised(error.format_message())}", err=True)
        click.echo(f"See `{error.ctx.command_path if error.ctx else 'wherry'} --help`.", err=True)
        return 2
    except BrokenPipeError:
        # `wherry get pods | head` must end quietly, also when Python flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the outermost edge: known errors become one line
        return _explain(error)


def _uncapitalised(text: str) -> str:
    """As all the other errors begin; a name in capitals stays."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _explain(error: Exception) -> int:
    from wherry.cli.errors import explain

    if isinstance(error, OSError) and os.environ.get("WHERRY_TRACEBACK"):
        raise error
    click.echo(explain(error), err=True)
    return error.exit_code if isinstance(error, click.ClickException) else 1
