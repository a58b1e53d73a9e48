"""What a pod offers to a service: addresses, ports, conditions. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from wherry.api.types import Object
from wherry.controllers import pods

ZONE = "topology.kubernetes.io/zone"


def is_headless(service: Object) -> bool:
    return service["spec"].get("clusterIP") == "None"


def has_selector(service: Object) -> bool:
    """Whether this service's endpoints are ours to keep: it selects pods and is not only a name for something else."""
    return bool(service["spec"].get("selector")) and service["spec"].get("type") != "ExternalName"


def families(service: Object) -> tuple[str, ...]:
    """`IPv4`, `IPv6`: the service's own, first the primary one."""
    spec = service["spec"]
    if spec.get("ipFamilies"):
        return tuple(spec["ipFamilies"])
    return ("IPv6",) if ":" in spec.get("clusterIP", "") else ("IPv4",)


def family_of(address: str) -> str:
    return "IPv6" if ":" in address else "IPv4"


def pod_addresses(pod: Object, family: str) -> list[str]:
    """The pod's addresses of a family."""
    status = pod.get("status") or {}
    found = [entry["ip"] for entry in status.get("podIPs") or () if entry.get("ip")]
    if not found and status.get("podIP"):
        found = [status["podIP"]]
    return [address for address in found if family_of(address) == family]


def belongs(pod: Object, *, terminating: bool) -> bool:
    """Whether a pod that a service selects is among its endpoints; `terminating`: also while it is being deleted."""
    if pods.is_finished(pod) or not (pod.get("status") or {}).get("podIP"):
        return False
    return terminating or not pods.is_terminating(pod)


def hostname(pod: Object, service: Object) -> str:
    """The name under which the pod is found below a headless service."""
    spec = pod["spec"]
    return spec.get("hostname", "") if spec.get("subdomain") == service["metadata"]["name"] else ""


def target(pod: Object) -> Object:
    metadata = pod["metadata"]
    return {"kind": "Pod", "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}


def port_number(pod: Object, port: Object) -> int | None:
    """The pod's port for a service port; None where a named one is not in this pod."""
    wanted = port.get("targetPort", port["port"])
    if isinstance(wanted, int):
        return wanted or port["port"]
    protocol = port.get("protocol", "TCP")
    for container in _serving_containers(pod):
        for found in container.get("ports") or ():
            if found.get("name") == wanted and found.get("protocol", "TCP") == protocol:
                return found["containerPort"]
    return None


def _serving_containers(pod: Object) -> Iterable[Object]:
    spec = pod["spec"]
    yield from spec["containers"]
    yield from (c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always")


def ports(service: Object, pod: Object) -> list[Object]:
    """The endpoint ports that this pod offers of the service's."""
    result = []
    for port in service["spec"].get("ports") or ():
        number = port_number(pod, port)
        if number is None:
            continue
        entry = {"name": port.get("name", ""), "port": number, "protocol": port.get("protocol", "TCP")}
        if port.get("appProtocol"):
            entry["appProtocol"] = port["appProtocol"]
        result.append(entry)
    return result


def endpoint(pod: Object, service: Object, node: Object | None, family: str) -> Object:
    """The pod as an endpoint of a slice. Ready means: send new connections here."""
    serving, terminating = pods.is_ready(pod), pods.is_terminating(pod)
    ready = bool(service["spec"].get("publishNotReadyAddresses")) or (serving and not terminating)
    result: Object = {
        "addresses": pod_addresses(pod, family),
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": target(pod),
    }
    if name := hostname(pod, service):
        result["hostname"] = name
    if pod["spec"].get("nodeName"):
        result["nodeName"] = pod["spec"]["nodeName"]
    zone = ((node or {}).get("metadata", {}).get("labels") or {}).get(ZONE)
    if zone:
        result["zone"] = zone
    if hints := _hints(service, result):
        result["hints"] = hints
    return result


def _hints(service: Object, endpoint: Object) -> Object:
    """Who should prefer this endpoint, as `trafficDistribution` asks (KEP-4444, KEP-3015)."""
    wish = service["spec"].get("trafficDistribution")
    if not wish or not endpoint["conditions"]["ready"]:
        return {}
    hints: Object = {}
    if wish == "PreferSameNode" and endpoint.get("nodeName"):
        hints["forNodes"] = [{"name": endpoint["nodeName"]}]
    if endpoint.get("zone"):
        hints["forZones"] = [{"name": endpoint["zone"]}]
    return hints


def relevant_change(old: Object, new: Object) -> bool:
    """Whether a pod's change can change any endpoint."""
    return _facts(old) != _facts(new)


def _facts(pod: Object) -> tuple[object, ...]:
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    return (
        metadata.get("labels"),
        pods.is_terminating(pod),
        pods.is_finished(pod),
        pods.is_ready(pod),
        status.get("podIPs"),
        status.get("podIP"),
        spec.get("nodeName"),
        spec.get("hostname"),
        spec.get("subdomain"),
    )
