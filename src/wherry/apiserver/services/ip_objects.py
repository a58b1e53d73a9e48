"""IPAddress objects: what one of a service's address says, and whether it says so. Pure.

Source: pkg/registry/core/service/ipallocator (newIPAddress), networking.k8s.io/v1.
"""

from __future__ import annotations

from ipaddress import ip_address

from wherry.api.types import Object

FAMILY, MANAGED_BY = "ipaddress.kubernetes.io/ip-family", "ipaddress.kubernetes.io/managed-by"
ALLOCATOR = "ipallocator.k8s.io"


def family_of(address: str) -> str:
    return f"IPv{ip_address(address).version}"


def ip_object(address: str, namespace: str, name: str) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IPAddress",
        "metadata": {"name": address, "labels": {FAMILY: family_of(address), MANAGED_BY: ALLOCATOR}},
        "spec": {"parentRef": {"resource": "services", "namespace": namespace, "name": name}},
    }


def is_ours(obj: Object) -> bool:
    return (obj["metadata"].get("labels") or {}).get(MANAGED_BY) == ALLOCATOR


def parent_of(obj: Object) -> tuple[str, str] | None:
    """Namespace and name of the service that it belongs to; None where it belongs to something else."""
    parent = (obj.get("spec") or {}).get("parentRef") or {}
    if parent.get("group") or parent.get("resource") != "services":
        return None
    return parent.get("namespace") or "", parent.get("name") or ""


def is_right(obj: Object, namespace: str, name: str) -> bool:
    labels = obj["metadata"].get("labels") or {}
    wanted = {FAMILY: family_of(obj["metadata"]["name"]), MANAGED_BY: ALLOCATOR}
    return parent_of(obj) == (namespace, name) and all(labels.get(key) == value for key, value in wanted.items())
