"""A pod as plugins see it: its object, and what is derived from it once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherry.api.types import Object
from wherry.policy.volumes.facts import claims_of
from wherry.scheduler.framework.affinity_terms import PodAffinity, pod_affinity
from wherry.scheduler.requests import Amounts, requests_and_weights

ALL_ADDRESSES = "0.0.0.0"

HostPort = tuple[str, str, int]
"""Address, protocol, port."""


class PodInfo:
    """What matters of a changed pod makes a new one; only `obj` is brought up to date in place.

    `requests` has only what is above zero.
    """

    __slots__ = (
        "affinity",
        "claims",
        "key",
        "labels",
        "leaving",
        "name",
        "namespace",
        "nonzero_cpu",
        "nonzero_memory",
        "obj",
        "ports",
        "priority",
        "requests",
        "spec",
        "uid",
    )

    def __init__(self, obj: Object) -> None:
        metadata, spec = obj["metadata"], obj["spec"]
        self.obj = obj
        self.spec: Mapping[str, Any] = spec
        self.namespace: str = metadata.get("namespace", "")
        self.name: str = metadata["name"]
        self.key = (self.namespace, self.name)
        self.uid: str = metadata.get("uid") or f"{self.namespace}/{self.name}"
        self.labels: Mapping[str, str] = metadata.get("labels") or {}
        self.leaving = "deletionTimestamp" in metadata
        """Whether it is being deleted; such pods are not counted when others are spread."""
        self.priority: int = spec.get("priority") or 0
        self.requests: Amounts
        self.requests, self.nonzero_cpu, self.nonzero_memory = requests_and_weights(obj)
        self.ports = host_ports(spec)
        self.claims = tuple((name, own) for _, name, own in claims_of(obj)) if "volumes" in spec else ()
        """The claims of its volumes, and whether each is made for this very pod."""
        self.affinity: PodAffinity | None = pod_affinity(self.namespace, spec)

    def __repr__(self) -> str:
        return f"PodInfo({self.namespace}/{self.name})"


def host_ports(spec: Mapping[str, Any]) -> tuple[HostPort, ...]:
    """Ports of the node that the pod takes: those of containers and sidecars."""
    sidecars = (each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always")
    return tuple(
        (port.get("hostIP") or ALL_ADDRESSES, port.get("protocol") or "TCP", number)
        for container in (*(spec.get("containers") or ()), *sidecars)
        for port in container.get("ports") or ()
        if (number := port.get("hostPort"))
    )


def scheduler_name(obj: Object) -> str:
    """Whose pod it is."""
    return obj["spec"].get("schedulerName") or "default-scheduler"


def accounting(obj: Object) -> tuple[Any, ...]:
    """What a new `PodInfo` would depend on; equal for two states of a pod that differ only in their status.

    The generation stands for the whole spec, where the server counts it.
    """
    metadata = obj["metadata"]
    statuses = (obj.get("status") or {}).get("containerStatuses") or ()
    return (
        metadata.get("labels"),
        "deletionTimestamp" in metadata,
        metadata.get("generation") or obj["spec"],
        (obj.get("status") or {}).get("resourceClaimStatuses"),
        [(entry.get("allocatedResources"), (entry.get("resources") or {}).get("requests")) for entry in statuses],
    )
