"""Client-side apply: create what is not there, else patch from what was applied last, what is there, and the file.

Source: kubectl's pkg/cmd/apply; "Declarative Management of Kubernetes Objects Using Configuration Files".
"""

from __future__ import annotations

from dataclasses import dataclass

import click

from wherry.api.errors import Conflict, NotFound, StatusError
from wherry.api.types import Object
from wherry.cli.applying.annotation import LAST_APPLIED, annotated, last_applied
from wherry.cli.applying.changes import Change, told_from
from wherry.cli.applying.three_way import Patch, between
from wherry.cli.errors import Refused
from wherry.cli.objects.manifests import Given
from wherry.client.client import Client

MANAGER = "kubectl-client-side-apply"
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """`dry_run` is none, client or server; `validation` what the server does about unknown fields."""

    dry_run: str = "none"
    validation: str = "Strict"
    force: bool = False
    manager: str = MANAGER


async def apply(client: Client, given: Given, options: ApplyOptions) -> Change:
    """Raises `StatusError` with the file's name in its message."""
    wanted, source = given.wanted, given.manifest.place
    if not wanted.name:
        raise Refused(f"{source}: resource name may not be empty")
    try:
        current = await client.get(wanted.resource, wanted.name, namespace=wanted.namespace)
    except NotFound:
        return await _create(client, given, options)
    except StatusError as error:
        raise told_from(error, "retrieving current configuration of", source) from error
    if last_applied(current) is None and options.dry_run != "client":
        _warn(given)
    return await _patch(client, given, current, options)


async def _create(client: Client, given: Given, options: ApplyOptions) -> Change:
    wanted, obj = given.wanted, annotated(given.manifest.object)
    if options.dry_run != "client":
        try:
            obj = await client.create(
                wanted.resource,
                obj,
                namespace=wanted.namespace,
                dry_run=options.dry_run == "server",
                field_manager=options.manager,
                field_validation=options.validation,
            )
        except StatusError as error:
            raise told_from(error, "creating", given.manifest.place) from error
    return Change(wanted.resource, obj, "created")


async def _patch(client: Client, given: Given, current: Object, options: ApplyOptions) -> Change:
    """Raises the last `Conflict` where others keep changing the object."""
    wanted, place = given.wanted, given.manifest.place
    for attempt in range(_TRIES + 1):
        patch = between(current, given.manifest.object)
        if not patch.body:
            return Change(wanted.resource, current, "unchanged")
        if options.dry_run == "client":
            return Change(wanted.resource, _merged(current, patch, given), "configured")
        try:
            return Change(wanted.resource, await _send(client, given, patch, options), "configured")
        except Conflict as error:
            if attempt == _TRIES:
                raise told_from(error, "patching", place) from error
            current = await client.get(wanted.resource, wanted.name, namespace=wanted.namespace)
        except StatusError as error:
            if options.force and error.status_reason == "Invalid":
                return await _replace(client, given, options)
            raise told_from(error, "patching", place) from error
    raise AssertionError("the last attempt returns or raises")


async def _send(client: Client, given: Given, patch: Patch, options: ApplyOptions) -> Object:
    wanted = given.wanted
    return await client.patch(
        wanted.resource,
        wanted.name,
        patch.body,
        namespace=wanted.namespace,
        type=patch.type,
        dry_run=options.dry_run == "server",
        field_manager=options.manager,
        field_validation=options.validation,
    )


async def _replace(client: Client, given: Given, options: ApplyOptions) -> Change:
    """`--force`: delete it, wait until it is gone, make it anew."""
    from wherry.cli.waiting.gone import wait_gone

    wanted = given.wanted
    current = await client.get(wanted.resource, wanted.name, namespace=wanted.namespace)
    await client.delete(wanted.resource, wanted.name, namespace=wanted.namespace, propagation_policy="Background")
    await wait_gone(client, wanted, current["metadata"]["uid"])
    change = await _create(client, given, options)
    return Change(change.resource, change.object, "configured")


def _merged(current: Object, patch: Patch, given: Given) -> Object:
    from wherry.api.schema.patching import patch_schema
    from wherry.machinery import mergepatch, strategic

    schema = patch_schema(current["apiVersion"], current["kind"]) if patch.type == "strategic" else None
    merged: Object = strategic.apply(current, patch.body, schema) if schema else mergepatch.apply(current, patch.body)
    return merged


def _warn(given: Given) -> None:
    click.echo(
        f"Warning: resource {given.wanted.resource.plural}/{given.wanted.name} is missing the {LAST_APPLIED} "
        "annotation which is required by wherry apply. wherry apply should only be used on resources created "
        "declaratively by either wherry create --save-config or wherry apply. The missing annotation will be "
        "patched automatically.",
        err=True,
    )
