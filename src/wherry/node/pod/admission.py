"""Whether a node takes a pod that was bound to it: the kubelet's last check, with its reasons and messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.machinery.quantity import parse_milli, parse_value
from wherry.node.pod import resources, spec
from wherry.node.pod.affinity import matches_node


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why not: becomes the pod's `status.reason` and `status.message`."""

    reason: str
    message: str


def check(pod: Object, node: Object, others: Iterable[Object]) -> Rejection | None:
    """None when the pod may run. `others` are the pods that this node runs already."""
    active = [other for other in others if not spec.is_terminal(other) and spec.uid(other) != spec.uid(pod)]
    rejection = (
        _operating_system(pod)
        or _resources(pod, node, active)
        or _node_name(pod, node)
        or _affinity(pod, node)
        or _ports(pod, active)
        or _taints(pod, node)
    )
    if rejection is None:
        return None
    return Rejection(rejection.reason, f"Pod was rejected: {rejection.message}")


def _operating_system(pod: Object) -> Rejection | None:
    wanted = (pod["metadata"].get("labels") or {}).get("kubernetes.io/os")
    if wanted not in (None, "linux"):
        text = "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"
        return Rejection("PodOSSelectorNodeLabelDoesNotMatch", text)
    if (pod["spec"].get("os") or {}).get("name", "linux") != "linux":
        return Rejection("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")
    return None


def _amount(name: str, text: object) -> int:
    return parse_milli(str(text)) if name == "cpu" else parse_value(str(text))


def _resources(pod: Object, node: Object, others: list[Object]) -> Rejection | None:
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    room = _amount("pods", allocatable.get("pods", 0))
    if len(others) + 1 > room:
        return _out_of("pods", 1, len(others), room)
    for name in resources.requested_names(pod):
        asked = resources.pod_request(pod, name)
        if not asked or (name not in allocatable and "/" in name):
            continue
        used = sum(resources.pod_request(other, name) for other in others)
        capacity = _amount(name, allocatable.get(name, 0))
        if asked > capacity - used:
            return _out_of(name, asked, used, capacity)
    return None


def _out_of(name: str, asked: int, used: int, capacity: int) -> Rejection:
    text = f"Node didn't have enough resource: {name}, requested: {asked}, used: {used}, capacity: {capacity}"
    return Rejection(f"OutOf{name}", text)


def _predicate(name: str, description: str) -> Rejection:
    return Rejection(name, f"Predicate {name} failed: {description}")


def _node_name(pod: Object, node: Object) -> Rejection | None:
    wanted = pod["spec"].get("nodeName")
    if wanted and wanted != node["metadata"]["name"]:
        return _predicate("NodeName", "node(s) didn't match the requested node name")
    return None


def _affinity(pod: Object, node: Object) -> Rejection | None:
    if matches_node(pod, node):
        return None
    return _predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")


def _host_ports(pod: Object) -> Iterator[tuple[str, str, int]]:
    for container in [*spec.sidecars(pod), *spec.app_containers(pod)]:
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                address = port.get("hostIP") or "0.0.0.0"
                yield address, port.get("protocol") or "TCP", int(port["hostPort"])


def _ports(pod: Object, others: list[Object]) -> Rejection | None:
    taken = [entry for other in others for entry in _host_ports(other)]
    for address, protocol, port in _host_ports(pod):
        for other_address, other_protocol, other_port in taken:
            same_address = address == other_address or "0.0.0.0" in (address, other_address)
            if same_address and (protocol, port) == (other_protocol, other_port):
                return _predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports")
    return None


def _taints(pod: Object, node: Object) -> Rejection | None:
    """Only NoExecute taints count here; the scheduler has seen to the others."""
    for taint in node["spec"].get("taints") or ():
        if taint.get("effect") == "NoExecute" and not _tolerates(pod, taint):
            return _predicate("TaintToleration", "node(s) had taints that the pod didn't tolerate")
    return None


def _tolerates(pod: Object, taint: Object) -> bool:
    for toleration in pod["spec"].get("tolerations") or ():
        if toleration.get("effect") not in (None, "", taint.get("effect")):
            continue
        if toleration.get("key") not in (None, "", taint["key"]):
            continue
        if toleration.get("operator") == "Exists":
            return True
        if (toleration.get("value") or "") == (taint.get("value") or ""):
            return True
    return False
