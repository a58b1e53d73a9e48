"""Waiting until an object is gone."""

from __future__ import annotations

from contextlib import aclosing

from wherry.api.errors import Expired, Gone, NotFound
from wherry.cli.objects.requests import Reading, watch
from wherry.cli.objects.wanted import Wanted
from wherry.client.client import Client


async def wait_gone(client: Client, wanted: Wanted, uid: str = "") -> bool:
    """Until the object (that one, where its uid is known) does not exist any more; False where it never did."""
    was_there = bool(uid)
    while True:
        try:
            current = await client.get(wanted.resource, wanted.name, namespace=wanted.namespace)
        except NotFound:
            return was_there
        was_there = True
        metadata = current["metadata"]
        if uid and metadata["uid"] != uid:
            return True
        try:
            async with aclosing(watch(client, wanted, Reading(), metadata["resourceVersion"])) as events:
                async for kind, found in events:
                    if kind == "DELETED" and (not uid or found["metadata"]["uid"] == uid):
                        return True
        except (Expired, Gone):
            pass
        await client.clock.sleep(0.1)
