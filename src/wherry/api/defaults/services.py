"""Defaults of services, endpoints and endpoint slices.

Addresses, IP families and node ports are allocated by the API server; they are no defaults.
Source: pkg/apis/core/v1/defaults.go, pkg/apis/discovery/v1/defaults.go.
"""

from __future__ import annotations

from wherry.api.defaults.fields import if_absent, if_zero, section
from wherry.api.types import Object

AFFINITY_SECONDS = 10800


def service(obj: Object) -> None:
    spec = section(obj, "spec")
    _affinity(spec)
    if_zero(spec, "type", "ClusterIP")
    for port in spec.get("ports") or ():
        if_zero(port, "protocol", "TCP")
        if_zero(port, "targetPort", port.get("port"))
    kind = spec["type"]
    if kind in ("NodePort", "LoadBalancer") or (kind == "ClusterIP" and spec.get("externalIPs")):
        if_zero(spec, "externalTrafficPolicy", "Cluster")
    if kind != "ExternalName":
        if_absent(spec, "internalTrafficPolicy", "Cluster")
    balancer = section(section(obj, "status"), "loadBalancer")
    if kind == "LoadBalancer":
        if_absent(spec, "allocateLoadBalancerNodePorts", True)
        for ingress in balancer.get("ingress") or ():
            if ingress.get("ip"):
                if_absent(ingress, "ipMode", "VIP")


def _affinity(spec: Object) -> None:
    if_zero(spec, "sessionAffinity", "None")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        config = spec.get("sessionAffinityConfig") or {}
        if (config.get("clientIP") or {}).get("timeoutSeconds") is None:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": AFFINITY_SECONDS}}


def endpoints(obj: Object) -> None:
    for subset in obj.get("subsets") or ():
        for port in subset.get("ports") or ():
            if_zero(port, "protocol", "TCP")


def endpoint_slice(obj: Object) -> None:
    for port in obj.get("ports") or ():
        if_absent(port, "name", "")
        if_absent(port, "protocol", "TCP")
