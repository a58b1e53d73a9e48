"""The row of a node: state, roles, version, addresses. Source: `printNode`."""

from __future__ import annotations

from wherry.api.tables.ages import UNKNOWN
from wherry.api.tables.columns import AGE, NAME, NONE, Cells, Table, age, column, name, part
from wherry.api.types import Object

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"


def _row(obj: Object, now: float) -> Cells:
    status = part(obj, "status")
    info = part(status, "nodeInfo")
    versions = (info.get(key) or UNKNOWN for key in ("osImage", "kernelVersion", "containerRuntimeVersion"))
    return [
        name(obj),
        _state(obj),
        ",".join(roles(obj)) or NONE,
        age(obj, now),
        info.get("kubeletVersion") or "",
        _address(obj, "InternalIP"),
        _address(obj, "ExternalIP"),
        *versions,
    ]


def _state(obj: Object) -> str:
    conditions = part(obj, "status").get("conditions") or ()
    ready = next((c for c in conditions if c.get("type") == "Ready"), None)
    state = "Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"
    return f"{state},SchedulingDisabled" if part(obj, "spec").get("unschedulable") else state


def roles(obj: Object) -> list[str]:
    """What the labels call the node, sorted."""
    found = set()
    for key, value in (obj["metadata"].get("labels") or {}).items():
        if key.startswith(_ROLE_PREFIX):
            found.add(key.removeprefix(_ROLE_PREFIX))
        elif key == _ROLE_LABEL:
            found.add(value)
    return sorted(found - {""})


def _address(obj: Object, kind: str) -> str:
    addresses = part(obj, "status").get("addresses") or ()
    return next((a.get("address") or NONE for a in addresses if a.get("type") == kind), NONE)


NODES = Table(
    (
        NAME,
        column("Status", about="Whether the node is ready and takes pods."),
        column("Roles", about="The roles that its labels name."),
        AGE,
        column("Version", about="The version of its agent."),
        column("Internal-IP", about="Its address inside the cluster.", wide=True),
        column("External-IP", about="Its address outside the cluster.", wide=True),
        column("OS-Image", about="Its operating system.", wide=True),
        column("Kernel-Version", about="Its kernel.", wide=True),
        column("Container-Runtime", about="What runs its containers.", wide=True),
    ),
    _row,
)
