"""Server-side apply: the server merges, and remembers who wants what (KEP-555)."""

from __future__ import annotations

from wherry.api.errors import StatusError
from wherry.cli.applying.changes import Change, told_from
from wherry.cli.applying.client_side import ApplyOptions
from wherry.cli.errors import Refused
from wherry.cli.objects.manifests import Given
from wherry.client.client import Client

MANAGER = "kubectl"


async def apply(client: Client, given: Given, options: ApplyOptions) -> Change:
    """`options.force` takes fields from other managers. Raises `StatusError` with the file's name in its message."""
    wanted, place = given.wanted, given.manifest.place
    if not wanted.name:
        raise Refused(f"{place}: resource name may not be empty")
    try:
        result = await client.patch(
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
    except StatusError as error:
        if error.status_code == 415:
            raise Refused(f"this server does not do server-side apply: {error.message}") from error
        raise told_from(error, "applying", place) from error
    return Change(wanted.resource, result, "serverside-applied")
