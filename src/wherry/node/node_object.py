"""The Node object: its labels, capacity, conditions and addresses, from what the machine, the runtime and the network say.

Source: kubelet's node status setters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.machinery.quantity import parse_value
from wherry.node.config import KUBELET_VERSION, NodeConfig
from wherry.node.machine import Machine, architecture
from wherry.node.runtimes.port import Image

MEMORY_THRESHOLD = 100 << 20
"""Available bytes below which there is memory pressure; allocatable leaves them out, as upstream."""
DISK_THRESHOLD = 1 << 30
PROCESS_THRESHOLD = 1000
MAX_IMAGES = 50


def labels(config: NodeConfig) -> dict[str, str]:
    arch = architecture()
    return {
        "beta.kubernetes.io/arch": arch,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": arch,
        "kubernetes.io/hostname": config.name,
        "kubernetes.io/os": "linux",
        **config.labels,
    }


def fresh(config: NodeConfig, status: Object) -> Object:
    """The object to register."""
    spec: Object = {}
    if config.pod_cidrs:
        spec |= {"podCIDR": config.pod_cidrs[0], "podCIDRs": list(config.pod_cidrs)}
    if config.provider_id:
        spec["providerID"] = config.provider_id
    if config.taints:
        spec["taints"] = list(config.taints)
    annotations = {"volumes.kubernetes.io/controller-managed-attach-detach": "true", **config.annotations}
    metadata = {"name": config.name, "labels": labels(config), "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": status}


def status(
    config: NodeConfig,
    machine: Machine,
    *,
    addresses: Sequence[str],
    runtime_version: str,
    images: Iterable[Image],
    known: Object,
    now: float,
) -> Object:
    """The whole status. `known` is the one before, for transition times."""
    capacity = _capacity(config, machine)
    return {
        "capacity": capacity,
        "allocatable": _allocatable(capacity, config),
        "conditions": _conditions(machine, known, now),
        "addresses": [
            *({"type": "InternalIP", "address": address} for address in addresses),
            {"type": "Hostname", "address": config.name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": config.server_port}},
        "nodeInfo": {
            **machine.info,
            "containerRuntimeVersion": runtime_version,
            "kubeletVersion": KUBELET_VERSION,
            "kubeProxyVersion": "",
        },
        "images": _images(images),
        "features": {"supplementalGroupsPolicy": False},
    }


def _capacity(config: NodeConfig, machine: Machine) -> dict[str, str]:
    found = {
        "cpu": str(machine.cpus),
        "ephemeral-storage": f"{machine.storage_bytes()[0] >> 10}Ki",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": f"{machine.memory_bytes >> 10}Ki",
        "pods": str(config.max_pods),
    }
    return {**found, **config.capacity}


def _allocatable(capacity: dict[str, str], config: NodeConfig) -> dict[str, str]:
    """Capacity without what the node keeps back."""
    kept = dict(capacity)
    if "memory" not in config.capacity:
        kept["memory"] = f"{(parse_value(capacity['memory']) - MEMORY_THRESHOLD) >> 10}Ki"
    if "ephemeral-storage" not in config.capacity:
        kept["ephemeral-storage"] = str(parse_value(capacity["ephemeral-storage"]) * 9 // 10)
    return kept


def _images(images: Iterable[Image]) -> list[Object]:
    largest = sorted(images, key=lambda image: (-image.size_bytes, image.id))[:MAX_IMAGES]
    return [{"names": list(image.names) or [image.id], "sizeBytes": image.size_bytes} for image in largest]


def _conditions(machine: Machine, known: Object, now: float) -> list[Object]:
    size, available = machine.storage_bytes()
    memory = machine.memory_available_bytes() < MEMORY_THRESHOLD
    disk = bool(size) and available < min(DISK_THRESHOLD, size // 10)
    processes = machine.processes_left() < PROCESS_THRESHOLD
    found = (
        _condition(
            "MemoryPressure", memory, "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"
        )
        if memory
        else _condition(
            "MemoryPressure", memory, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"
        ),
        _condition("DiskPressure", disk, "KubeletHasDiskPressure", "kubelet has disk pressure")
        if disk
        else _condition("DiskPressure", disk, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        _condition("PIDPressure", processes, "KubeletHasInsufficientPID", "kubelet has insufficient PID available")
        if processes
        else _condition("PIDPressure", processes, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        _condition("Ready", True, "KubeletReady", "kubelet is posting ready status"),
    )
    before = {entry["type"]: entry for entry in known.get("conditions") or ()}
    return [_stamped(entry, before.get(entry["type"]) or {}, now) for entry in found]


def _condition(type_: str, holds: bool, reason: str, message: str) -> Object:
    return {"type": type_, "status": "True" if holds else "False", "reason": reason, "message": message}


def _stamped(condition: Object, before: Object, now: float) -> Object:
    moment = rfc3339(now)
    same = before.get("status") == condition["status"] and before.get("lastTransitionTime")
    times = {"lastHeartbeatTime": moment, "lastTransitionTime": before["lastTransitionTime"] if same else moment}
    return {**condition, **times}


def without_heartbeat(found: Object) -> Object:
    """For comparing: everything but the heartbeat times."""
    conditions = [
        {key: value for key, value in entry.items() if key != "lastHeartbeatTime"}
        for entry in found.get("conditions") or ()
    ]
    return {**found, "conditions": conditions}
