"""The downward API: what a pod may learn of itself (fieldRef, resourceFieldRef)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wherry.api.types import Object
from wherry.machinery.quantity import parse
from wherry.node.pod import spec

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


class FieldProblem(Exception):
    """A reference that cannot be resolved; worded for events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a pod's fields are read from, beyond the pod itself."""

    pod_addresses: Sequence[str] = ()
    node_addresses: Sequence[str] = ()
    node_name: str = ""
    allocatable: Mapping[str, str] = field(default_factory=dict)
    """The node's, for limits that the container does not have."""


def format_map(values: Mapping[str, str]) -> str:
    """`key="value"` lines, sorted, as labels and annotations appear in files."""
    return "\n".join(f"{key}={json.dumps(values[key], ensure_ascii=False)}" for key in sorted(values))


def pod_field(pod: Object, path: str, identity: Identity) -> str:
    """The text of a fieldRef. Raises `FieldProblem`."""
    metadata = pod["metadata"]
    if match := _SUBSCRIPT.fullmatch(path):
        return str((metadata.get(match.group(1)) or {}).get(match.group(2), ""))
    simple = {
        "metadata.name": spec.name(pod),
        "metadata.namespace": spec.namespace(pod),
        "metadata.uid": spec.uid(pod),
        "spec.nodeName": pod["spec"].get("nodeName") or identity.node_name,
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName") or "default",
        "status.hostIP": _first(identity.node_addresses),
        "status.hostIPs": ",".join(identity.node_addresses),
        "status.podIP": _first(identity.pod_addresses),
        "status.podIPs": ",".join(identity.pod_addresses),
    }
    if path in simple:
        return str(simple[path])
    if path in ("metadata.labels", "metadata.annotations"):
        return format_map(metadata.get(path.removeprefix("metadata.")) or {})
    raise FieldProblem(f"unsupported fieldPath: {path}")


def _first(values: Sequence[str]) -> str:
    return values[0] if values else ""


def resource_field(pod: Object, container: Object, reference: Object, identity: Identity) -> str:
    """The text of a resourceFieldRef: the amount divided by the divisor, rounded up. Raises `FieldProblem`."""
    path = str(reference["resource"])
    side, _, name = path.partition(".")
    if side not in ("limits", "requests") or not name:
        raise FieldProblem(f"unsupported container resource : {path}")
    resources = container.get("resources") or {}
    amount = (resources.get(side) or {}).get(name)
    if amount is None and side == "limits":
        amount = identity.allocatable.get(name, "0")
    divisor = parse(reference.get("divisor") or "1")
    nanos = divisor.nanos or parse("1").nanos
    return str(-(-parse(amount or "0").nanos // nanos))


def resource_container(pod: Object, reference: Object, own: Object | None) -> Object:
    """The container that a resourceFieldRef speaks of. Raises `FieldProblem`."""
    name = reference.get("containerName")
    if not name:
        if own is None:
            raise FieldProblem("container name is required for a resourceFieldRef in a volume")
        return own
    found = spec.find_container(pod, name)
    if found is None:
        raise FieldProblem(f"container {name} not found")
    return found[1]
