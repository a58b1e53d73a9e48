"""Requests and limits of containers and pods, in the runtime's units."""

from __future__ import annotations

from collections.abc import Iterable

from wherry.api.types import Object
from wherry.machinery.quantity import parse_milli, parse_value
from wherry.node.pod import qos, spec
from wherry.node.runtimes.port import Resources

MINIMUM_CPU_SHARES_MILLI = 2


def of_container(pod: Object, container: Object, *, memory_capacity: int) -> Resources:
    """What the runtime is told. Without a CPU request the limit is the request, as upstream."""
    resources = container.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    cpu_limit = parse_milli(limits["cpu"]) if "cpu" in limits else None
    memory_limit = parse_value(limits["memory"]) if "memory" in limits else None
    return Resources(
        cpu_request_milli=parse_milli(requests.get("cpu", limits.get("cpu", 0))),
        cpu_limit_milli=cpu_limit or None,
        memory_request_bytes=parse_value(requests.get("memory", limits.get("memory", 0))),
        memory_limit_bytes=memory_limit or None,
        oom_score_adjust=qos.oom_score_adjust(pod, container, memory_capacity),
    )


def _request(container: Object, name: str) -> int:
    """CPU in thousandths, everything else in whole units."""
    requests = (container.get("resources") or {}).get("requests") or {}
    amount = requests.get(name, 0)
    return parse_milli(amount) if name == "cpu" else parse_value(amount)


def pod_request(pod: Object, name: str) -> int:
    """What a pod asks of a node: its app containers and sidecars together, or its largest start-up step (KEP-753)."""
    pod_level = (pod["spec"].get("resources") or {}).get("requests") or {}
    overhead = _request({"resources": {"requests": pod["spec"].get("overhead") or {}}}, name)
    if name in pod_level:
        return _request({"resources": {"requests": pod_level}}, name) + overhead
    running = sum(_request(container, name) for container in spec.app_containers(pod))
    sidecars, largest = 0, 0
    for container in spec.init_containers(pod):
        asked = _request(container, name)
        if spec.is_sidecar(container):
            sidecars += asked
            largest = max(largest, sidecars)
        else:
            largest = max(largest, sidecars + asked)
    return max(running + sidecars, largest) + overhead


def requested_names(pod: Object) -> list[str]:
    """The resources that any container of the pod requests, in a stable order."""
    names: dict[str, None] = {}
    parts: Iterable[Object] = [*spec.init_containers(pod), *spec.app_containers(pod), pod["spec"]]
    for part in parts:
        names.update(dict.fromkeys((part.get("resources") or {}).get("requests") or ()))
    return sorted(names, key=lambda name: (name not in ("cpu", "memory"), name))
