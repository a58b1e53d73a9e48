"""Server-side apply: the server merges, and remembers who wants what (KEP-555)."""

from __future__ import annotations

import click

from wherry.api.errors import StatusError
from wherry.api.types import Object
from wherry.cli.applying.changes import Change, told_from
from wherry.cli.applying.client_side import ApplyOptions
from wherry.cli.applying.migration import SERVER_SIDE, keep_annotation, migrate
from wherry.cli.errors import Refused
from wherry.cli.objects.manifests import Given
from wherry.client.client import Client

MANAGER = SERVER_SIDE


async def apply(client: Client, given: Given, options: ApplyOptions) -> Change:
    """`options.force` takes fields from other managers. Raises `StatusError` with the file's name in its message."""
    wanted, place = given.wanted, given.manifest.place
    if not wanted.name:
        raise Refused(f"{place}: resource name may not be empty")
    try:
        result = await _send(client, given, options)
    except StatusError as error:
        if error.status_code == 415:
            raise Refused(f"this server does not do server-side apply: {error.message}") from error
        raise told_from(error, "applying", place) from error
    return Change(wanted.resource, await _moved(client, given, result, options), "serverside-applied")


async def _send(client: Client, given: Given, options: ApplyOptions) -> Object:
    wanted = given.wanted
    return await client.patch(
        wanted.resource,
        wanted.name,
        given.manifest.object,
        namespace=wanted.namespace,
        type="apply",
        dry_run=options.dry_run == "server",
        field_manager=options.manager,
        field_validation=options.validation,
        force=options.force,
    )


async def _moved(client: Client, given: Given, result: Object, options: ApplyOptions) -> Object:
    """The object once nothing of a client-side apply is left; what fails is only told: the next apply tries again."""
    dry_run = options.dry_run == "server"
    try:
        result = await keep_annotation(client, given.wanted, result, options.manager, dry_run=dry_run)
        if await migrate(client, given.wanted, result, options.manager, dry_run=dry_run):
            # Again, now that omitting a field takes it away.
            result = await _send(client, given, options)
    except StatusError as error:
        click.echo(
            f"Warning: {given.wanted.title} is applied, but what client-side apply owned of it is not taken over yet, "
            f"so fields that the file omits stay. Apply it again. ({error.message})",
            err=True,
        )
    return result
