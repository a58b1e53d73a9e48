#!/usr/bin/env python3
"""Runs the copier against the cluster of your kubeconfig, and changes things under its eyes.

    python examples/07-python-client/run.py

The exit code is 0 only if every copy was right in time.
"""

from __future__ import annotations

import asyncio
from typing import Any

from copier import Copier

from wherry.api.errors import NotFound
from wherry.base.clock import RealClock
from wherry.base.tasks import cancel_and_wait
from wherry.client import kubeconfig
from wherry.client.client import Client
from wherry.client.http_transport import HttpTransport

HOME, NAME, OTHER = "example-client", "settings", "example-client-other"


def connect() -> Client:
    """A client for the current context, as kubectl would use it."""
    clock = RealClock()
    connection = kubeconfig.connection(kubeconfig.load(kubeconfig.paths()))
    return Client(HttpTransport.of(connection, clock=clock), clock=clock, user_agent="example")


async def main() -> None:
    client = connect()
    copier = asyncio.ensure_future(Copier(client, namespace=HOME, name=NAME).run())
    try:
        await change_things(client)
    finally:
        for namespace in (HOME, OTHER):
            await client.delete("namespaces", namespace)
        await cancel_and_wait(copier)
        await client.aclose()


async def change_things(client: Client) -> None:
    await client.create("namespaces", {"metadata": {"name": HOME}})
    await client.create("namespaces", {"metadata": {"name": OTHER, "labels": {"example.com/settings": "wanted"}}})
    await client.create("configmaps", {"metadata": {"name": NAME}, "data": {"colour": "blue"}}, namespace=HOME)
    await expect(client, {"colour": "blue"}, "a namespace that wants the settings gets them")

    await client.patch("configmaps", NAME, {"data": {"colour": None, "size": "large"}}, namespace=HOME)
    await expect(client, {"size": "large"}, "a change of the original is copied")

    await client.patch("namespaces", OTHER, {"metadata": {"labels": {"example.com/settings": None}}})
    await expect(client, None, "a namespace that does not want them any more loses them")


async def expect(client: Client, data: dict[str, Any] | None, what: str) -> None:
    """Watch the other namespace until the copy is as wanted. Raises `TimeoutError`."""
    async with asyncio.timeout(10):
        while await copy_in(client) != data:
            found = await client.list("configmaps", namespace=OTHER)
            async for event in client.watch(
                "configmaps", namespace=OTHER, resource_version=found["metadata"]["resourceVersion"], timeout_seconds=1
            ):
                if event.type != "BOOKMARK":
                    break
    print(f"ok  {what}: {data}")


async def copy_in(client: Client) -> dict[str, Any] | None:
    try:
        return (await client.get("configmaps", NAME, namespace=OTHER)).get("data")
    except NotFound:
        return None


if __name__ == "__main__":
    asyncio.run(main())
