"""Definitions for the tests, and a way to have one established."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from wherry.api.types import Object
from wherry.testing.http import Api

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GROUP = "stable.example.com"
CRONTABS = f"/apis/{GROUP}/v1/namespaces/default/crontabs"
Establish = Callable[[Object], Awaitable[Object]]

SCHEMA: Object = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["cronSpec"],
            "properties": {
                "cronSpec": {"type": "string", "pattern": r"^\S+( \S+){4}$"},
                "image": {"type": "string", "default": "busybox"},
                "replicas": {"type": "integer", "minimum": 1, "maximum": 10},
            },
        },
        "status": {
            "type": "object",
            "properties": {"replicas": {"type": "integer"}, "labelSelector": {"type": "string"}},
        },
    },
}


def version(name: str = "v1", schema: Object | None = None, *, storage: bool = True, **rest: Any) -> Object:
    found = {"name": name, "served": True, "storage": storage, **rest}
    return {**found, "schema": {"openAPIV3Schema": schema or SCHEMA}}


def definition(*versions: Object, plural: str = "crontabs", kind: str = "CronTab", **spec: Any) -> Object:
    """A definition with the names of the documentation's example."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": list(versions) or [version()],
            **spec,
        },
    }


def of_schema(**properties: Object) -> Object:
    """A definition whose spec has these properties."""
    spec = {"type": "object", "properties": properties}
    return definition(version(schema={"type": "object", "properties": {"spec": spec}}))


def crontab(name: str = "one", spec: Object | None = None, **rest: Any) -> Object:
    found = {"apiVersion": f"{GROUP}/v1", "kind": "CronTab", "metadata": {"name": name}}
    return {**found, "spec": {"cronSpec": "* * * * */5"} if spec is None else spec, **rest}


async def settled() -> None:
    """Let the tasks that write conditions do their work."""
    for _ in range(60):
        await asyncio.sleep(0)


@pytest.fixture
def establish(api: Api) -> Establish:
    """Create a definition, wait for its conditions, give it as it is then."""

    async def create(obj: Object) -> Object:
        made = await api.create(DEFINITIONS, obj)
        await settled()
        found: Object = (await api("GET", f"{DEFINITIONS}/{made['metadata']['name']}")).body
        return found

    return create
