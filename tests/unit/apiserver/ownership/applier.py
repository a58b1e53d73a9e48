"""Applying over HTTP, and reading who owns what, in few words."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from wherry.api.types import Object
from wherry.testing.http import Answer, Api

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
APPLY = {"content-type": "application/apply-patch+yaml"}


async def apply(api: Api, target: str, config: Any, manager: str = "me", **query: str) -> Answer:
    return await api("PATCH", f"{target}?{urlencode({'fieldManager': manager, **query})}", config, APPLY)


async def write(api: Api, method: str, target: str, body: Any, manager: str) -> Answer:
    """A write whose manager is the part of the user agent before the slash."""
    kind = "merge-patch+json" if method == "PATCH" else "json"
    return await api(method, target, body, {"user-agent": f"{manager}/v1", "content-type": f"application/{kind}"})


def owners(obj: Object) -> dict[tuple[str, str], Any]:
    """The fields by manager and operation; with the subresource where there is one."""
    return {
        (each["manager"], "/".join(filter(None, (each["operation"], each.get("subresource"))))): each["fieldsV1"]
        for each in obj["metadata"].get("managedFields", [])
    }


def deployment(**spec: Any) -> Object:
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "app", "image": "nginx"}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template, **spec},
    }


def config_map(data: dict[str, Any] | None = None, **metadata: Any) -> Object:
    rest = {} if data is None else {"data": data}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", **metadata}, **rest}
