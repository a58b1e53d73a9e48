"""A Service and its EndpointSlices, read into `ServicePort`s. Pure.

Source: kube-proxy's `newBaseServiceInfo` and the Service API's documentation.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any

from wherry.api.types import Object
from wherry.network.services.endpoints import Place, candidates, choose
from wherry.network.services.model import Key, ServicePort

OTHER_PROXY = "service.kubernetes.io/service-proxy-name"
"""A label that gives a Service to somebody else's proxy."""
HEADLESS = "service.kubernetes.io/headless"
SERVICE_NAME = "kubernetes.io/service-name"

_DEFAULT_AFFINITY_SECONDS = 10800


def service_of(slice_: Object) -> Key:
    """The Service that a slice belongs to; its name is empty where it belongs to none."""
    metadata = slice_["metadata"]
    labels = metadata.get("labels") or {}
    return metadata.get("namespace", ""), "" if HEADLESS in labels else labels.get(SERVICE_NAME, "")


def is_proxied(service: Object) -> bool:
    """Whether a proxy has anything to do with a Service."""
    spec = service["spec"]
    return (
        spec.get("type") != "ExternalName"
        and spec.get("clusterIP") not in (None, "", "None")
        and OTHER_PROXY not in (service["metadata"].get("labels") or {})
    )


def service_ports(
    service: Object | None, slices: Sequence[Object], *, place: Place, family: str = "IPv4"
) -> tuple[ServicePort, ...]:
    """Every port of a Service; nothing for one that is gone or that needs no proxy."""
    if service is None or not is_proxied(service):
        return ()
    return tuple(_service_port(service, port, slices, place, family) for port in service["spec"].get("ports") or ())


def _service_port(service: Object, port: Object, slices: Sequence[Object], place: Place, family: str) -> ServicePort:
    spec, metadata = service["spec"], service["metadata"]
    external_ips = _addresses(spec.get("externalIPs"), family)
    has_node_port = spec.get("type") in ("NodePort", "LoadBalancer")
    internal_local = spec.get("internalTrafficPolicy") == "Local"
    external_local = spec.get("externalTrafficPolicy") == "Local" and (has_node_port or bool(external_ips))
    name, protocol = port.get("name") or "", port.get("protocol", "TCP")
    choice = choose(
        candidates(slices, port=name, protocol=protocol, place=place, family=family),
        place=place,
        local_too=internal_local or external_local,
    )
    return ServicePort(
        service=(metadata["namespace"], metadata["name"]),
        name=name,
        protocol=protocol,
        port=port["port"],
        cluster_ips=_addresses(spec.get("clusterIPs") or [spec["clusterIP"]], family),
        external_ips=external_ips,
        load_balancer_ips=_load_balancer_ips(service, family),
        source_ranges=_ranges(spec.get("loadBalancerSourceRanges"), family),
        node_port=(port.get("nodePort") or 0) if has_node_port else 0,
        affinity_seconds=_affinity_seconds(spec),
        internal_local=internal_local,
        external_local=external_local,
        cluster_endpoints=choice.cluster,
        local_endpoints=choice.local,
        has_endpoints=choice.anywhere,
    )


def _load_balancer_ips(service: Object, family: str) -> tuple[str, ...]:
    if service["spec"].get("type") != "LoadBalancer":
        return ()
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    # With the mode Proxy the load balancer answers by itself, so its packets must pass it (KEP-1860).
    return _addresses((entry.get("ip") for entry in ingress if entry.get("ipMode", "VIP") != "Proxy"), family)


def _affinity_seconds(spec: Object) -> int:
    if spec.get("sessionAffinity") != "ClientIP":
        return 0
    client = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    seconds: int = client.get("timeoutSeconds") or _DEFAULT_AFFINITY_SECONDS
    return seconds


def _addresses(found: Iterable[str | None] | None, family: str) -> tuple[str, ...]:
    """Addresses of one family in their canonical form; anything that is no address is left out, so that no text of an
    object ever reaches a rule unread."""
    result = []
    for text in found or ():
        try:
            address = ipaddress.ip_address(text or "")
        except ValueError:
            continue
        if f"IPv{address.version}" == family:
            result.append(str(address))
    return tuple(result)


def _ranges(found: Iterable[str] | None, family: str) -> tuple[str, ...]:
    result: list[Any] = []
    for text in found or ():
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError:
            continue
        if f"IPv{network.version}" == family:
            result.append(network)
    return tuple(str(network) for network in ipaddress.collapse_addresses(result))
