"""What subresources take and give: kinds of their own, and the verbs.

Source: discovery documents of kube-apiserver v1.36.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wherry.api.resources import Resource


@dataclass(frozen=True, slots=True)
class Subresource:
    """`group` and `version` are those of the kind; empty for those of the parent resource."""

    verbs: tuple[str, ...]
    kind: str = ""
    group: str = ""
    version: str = ""


_GET_SET = ("get", "patch", "update")
_PROXY_VERBS = ("create", "delete", "get", "patch", "update")
_STREAM_VERBS = ("create", "get")
_STATUS = Subresource(_GET_SET)

_SUBRESOURCES: Mapping[str, Subresource] = {
    "status": _STATUS,
    "approval": _STATUS,
    "ephemeralcontainers": _STATUS,
    "resize": _STATUS,
    "finalize": Subresource(("update",)),
    "scale": Subresource(_GET_SET, "Scale", "autoscaling", "v1"),
    "log": Subresource(("get",)),
    "binding": Subresource(("create",), "Binding"),
    "eviction": Subresource(("create",), "Eviction", "policy", "v1"),
    "token": Subresource(("create",), "TokenRequest", "authentication.k8s.io", "v1"),
    "exec": Subresource(_STREAM_VERBS, "PodExecOptions"),
    "attach": Subresource(_STREAM_VERBS, "PodAttachOptions"),
    "portforward": Subresource(_STREAM_VERBS, "PodPortForwardOptions"),
}


def subresource(resource: Resource, name: str) -> Subresource:
    if name == "proxy":
        return Subresource(_PROXY_VERBS, f"{resource.kind}ProxyOptions")
    return _SUBRESOURCES[name]
