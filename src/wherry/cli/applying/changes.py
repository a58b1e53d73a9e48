"""What a change of one object came to, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass

import click

from wherry.api.errors import StatusError
from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.cli.formats.output import Printer
from wherry.cli.objects.wanted import title

_DRY_RUN = {"client": " (dry run)", "server": " (server dry run)"}


@dataclass(frozen=True, slots=True)
class Change:
    """`word` is created, configured, unchanged..."""

    resource: Resource
    object: Object
    word: str


def tell(change: Change, printer: Printer | None, *, names: bool, dry_run: str) -> None:
    """Print the change, the object, or only its name."""
    if printer is not None and not names:
        click.echo(printer([change.object], single=True), nl=False)
        return
    name = title(change.resource, change.object["metadata"]["name"])
    click.echo(name if names else f"{name} {change.word}{_DRY_RUN.get(dry_run, '')}")


def told_from(error: StatusError, doing: str, source: str) -> StatusError:
    """The error with what was done and which file it came from."""
    error.message = f'error when {doing} "{source}": {error.message}'
    return error
