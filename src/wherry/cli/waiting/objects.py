"""Waiting until one object is as wanted."""

from __future__ import annotations

from contextlib import aclosing

from wherry.api.errors import Expired, Gone, NotFound
from wherry.api.types import Object
from wherry.cli.objects.requests import Reading, watch
from wherry.cli.objects.wanted import Wanted
from wherry.cli.waiting.conditions import Awaited
from wherry.cli.waiting.gone import wait_gone
from wherry.client.client import Client


async def wait_for(client: Client, wanted: Wanted, awaited: Awaited) -> bool:
    """Until it is as wanted; False where nothing was there to go away. Raises `NotFound` where it does not exist (and is not waited to be gone, or to come)."""
    if awaited.kind == "delete":
        return await wait_gone(client, wanted)
    if awaited.kind == "create":
        await _wait_created(client, wanted)
    else:
        await _wait_holds(client, wanted, awaited)
    return True


async def _wait_created(client: Client, wanted: Wanted) -> None:
    while True:
        try:
            await client.get(wanted.resource, wanted.name, namespace=wanted.namespace)
            return
        except NotFound:
            await client.clock.sleep(0.2)


async def _wait_holds(client: Client, wanted: Wanted, awaited: Awaited) -> None:
    while True:
        current = await client.get(wanted.resource, wanted.name, namespace=wanted.namespace)
        if awaited.holds(current) or await _changes_until(client, wanted, awaited, current):
            return
        await client.clock.sleep(0.1)


async def _changes_until(client: Client, wanted: Wanted, awaited: Awaited, current: Object) -> bool:
    """Whether a change brought it; False when the stream ended before, or the object went away."""
    version = current["metadata"]["resourceVersion"]
    try:
        async with aclosing(watch(client, wanted, Reading(), version)) as events:
            async for kind, found in events:
                if kind == "DELETED":
                    return False
                if awaited.holds(found):
                    return True
    except (Expired, Gone):
        pass
    return False
