"""Services: what an update keeps of the allocated addresses and ports, and what a change of type lets go.

Source: pkg/registry/core/service/strategy.go (`patchAllocatedValues`, `dropTypeDependentFields`).
"""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.types import Object

Need = Callable[[Object], bool]


def create(obj: Object) -> None:
    normalise_cluster_ips(obj["spec"], None)


def update(new: Object, old: Object) -> None:
    after, before = new["spec"], old["spec"]
    _keep_allocated(after, before)
    normalise_cluster_ips(after, before)
    _drop_for_type(after, before)


def needs_cluster_ip(spec: Object) -> bool:
    return spec.get("type") in ("ClusterIP", "NodePort", "LoadBalancer")


def needs_node_ports(spec: Object) -> bool:
    if spec.get("type") == "NodePort":
        return True
    return spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False


def needs_health_check_port(spec: Object) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _may_node_ports(spec: Object) -> bool:
    return spec.get("type") in ("NodePort", "LoadBalancer")


def _external_name(spec: Object) -> bool:
    return spec.get("type") == "ExternalName"


def _load_balancer(spec: Object) -> bool:
    return spec.get("type") == "LoadBalancer"


def _external(spec: Object) -> bool:
    return _may_node_ports(spec) or (spec.get("type") == "ClusterIP" and bool(spec.get("externalIPs")))


def _keep_allocated(after: Object, before: Object) -> None:
    if needs_cluster_ip(before) and needs_cluster_ip(after):
        _fill(after, before, "clusterIP")
        if after.get("clusterIP") == before.get("clusterIP"):
            _fill(after, before, "clusterIPs")
        _fill(after, before, "ipFamilies")
        _fill(after, before, "ipFamilyPolicy")
    if needs_node_ports(before) and needs_node_ports(after):
        _keep_node_ports(after, before)
    if needs_health_check_port(before) and needs_health_check_port(after):
        _fill(after, before, "healthCheckNodePort")


def _fill(after: Object, before: Object, key: str) -> None:
    if not after.get(key) and before.get(key):
        after[key] = before[key]


def _keep_node_ports(after: Object, before: Object) -> None:
    old_ports, new_ports = before.get("ports") or (), after.get("ports") or ()
    used = {p["nodePort"] for p in old_ports if p.get("nodePort")} & {p.get("nodePort") for p in new_ports}
    by_name = {p.get("name", ""): p.get("nodePort", 0) for p in old_ports}
    for port in new_ports:
        known = by_name.get(port.get("name", ""), 0)
        if not port.get("nodePort") and known and known not in used:
            port["nodePort"] = known
            used.add(known)


def normalise_cluster_ips(spec: Object, before: Object | None) -> None:
    """`clusterIP` is the first of `clusterIPs`; whoever knows only the old field may change only that."""
    ip, ips = spec.get("clusterIP"), spec.get("clusterIPs")
    if before is None:
        if ip and not ips:
            spec["clusterIPs"] = [ip]
        return
    old_ip = before.get("clusterIP")
    if not ip and old_ip and ips == before.get("clusterIPs"):
        # The caller cleared only the singular: that clears both.
        spec.pop("clusterIPs", None)
    elif ip != old_ip and ips == before.get("clusterIPs"):
        spec["clusterIPs"] = [ip]


def _drop_for_type(after: Object, before: Object) -> None:
    for need, keys in _TYPE_FIELDS:
        if need(before) and not need(after) and all(after.get(key) == before.get(key) for key in keys):
            for key in keys:
                after.pop(key, None)
    if _may_node_ports(before) and not _may_node_ports(after):
        _drop_node_ports(after, before)


def _drop_node_ports(after: Object, before: Object) -> None:
    old = {p.get("nodePort", 0) for p in before.get("ports") or ()}
    ports = after.get("ports") or ()
    if {p.get("nodePort", 0) for p in ports} <= old | {0}:
        for port in ports:
            port.pop("nodePort", None)


_TYPE_FIELDS: tuple[tuple[Need, tuple[str, ...]], ...] = (
    (_external_name, ("externalName",)),
    (needs_cluster_ip, ("clusterIP", "clusterIPs")),
    (needs_cluster_ip, ("ipFamilies", "ipFamilyPolicy")),
    (needs_cluster_ip, ("internalTrafficPolicy",)),
    (needs_health_check_port, ("healthCheckNodePort",)),
    (_load_balancer, ("allocateLoadBalancerNodePorts",)),
    (_load_balancer, ("loadBalancerClass",)),
    (_external, ("externalTrafficPolicy",)),
)
