"""`wherry wait` against a real API server."""

from __future__ import annotations

import asyncio

from .conftest import Wherry


async def _namespace(wherry: Wherry, name: str) -> None:
    await wherry.client.create("namespaces", {"metadata": {"name": name}})


async def test_jsonpath(wherry: Wherry) -> None:
    await _namespace(wherry, "a")
    assert await wherry("wait", "ns/a", "--for=jsonpath={.status.phase}=Active") == "namespace/a condition met\n"
    assert await wherry("wait", "ns/a", "--for=jsonpath={.status.phase}") == "namespace/a condition met\n"
    said = await wherry.fails("wait", "ns/a", "--for=jsonpath={.status.phase}=Gone", "--timeout=100ms")
    assert said == "error: timed out waiting for the condition on namespaces/a\n"


async def test_conditions_of_several_objects(wherry: Wherry) -> None:
    for name in "ab":
        await wherry.client.create("nodes", {"metadata": {"name": name}})
    waiting = asyncio.ensure_future(wherry("wait", "nodes", "--all", "--for=condition=ready", "--timeout=20s"))
    for name in "ab":
        status = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
        await wherry.client.patch("nodes", name, status, type="strategic", subresource="status")
    assert await waiting == "node/a condition met\nnode/b condition met\n"


async def test_what_is_not_there(wherry: Wherry) -> None:
    assert await wherry.fails("wait", "pods", "-l", "a=b", "--for=condition=Ready") == (
        "error: no matching resources found\n"
    )
    assert await wherry.fails("wait", "pod/x", "--for=condition=Ready") == (
        'Error from server (NotFound): pods "x" not found\n'
    )
    assert 'unrecognized condition: "foo"' in await wherry.fails("wait", "pod/x", "--for=foo")
    assert await wherry("wait", "pod/x", "--for=delete") == ""


async def test_creation(wherry: Wherry) -> None:
    waiting = asyncio.ensure_future(wherry("wait", "ns/new", "--for=create", "--timeout=20s"))
    await _namespace(wherry, "new")
    assert await waiting == "namespace/new condition met\n"
