"""The smallest objects that are valid, for tests."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object


def config_map(name: str, **rest: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **rest}, "data": {"a": "1"}}


def pod(name: str, *, node: str = "", **metadata: Any) -> Object:
    spec: Object = {"containers": [{"name": "main", "image": "busybox"}]}
    if node:
        spec["nodeName"] = node
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata}, "spec": spec}


MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
