"""Rows of services, endpoints, ingresses and network policies.

Source: `printService`, `printEndpoints`, `printEndpointSlice`, `printIngress`, `printNetworkPolicy`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wherry.api.label_selector import map_to_text, shown
from wherry.api.tables.columns import AGE, NAME, NONE, SELECTOR, UNSET, Cells, Table, age, column, listed, name, part
from wherry.api.types import Object

_MOST = 3


def _service(obj: Object, now: float) -> Cells:
    spec = part(obj, "spec")
    addresses = spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else [])
    return [
        name(obj),
        spec.get("type") or "",
        addresses[0] if addresses else NONE,
        _external_address(obj, spec),
        ",".join(map(_port, spec.get("ports") or ())) or NONE,
        age(obj, now),
        map_to_text(spec.get("selector")) or NONE,
    ]


def _external_address(obj: Object, spec: Mapping[str, Any]) -> str:
    kind, own = spec.get("type"), list(spec.get("externalIPs") or ())
    if kind == "ExternalName":
        return str(spec.get("externalName") or "")
    if kind == "LoadBalancer":
        balanced = _balancer(obj)
        return ",".join([*([balanced] if balanced else []), *own]) or "<pending>"
    return ",".join(own) or NONE


def _balancer(obj: Object) -> str:
    points = part(obj, "status", "loadBalancer").get("ingress") or ()
    return ",".join(sorted({point.get("ip") or point.get("hostname") or "" for point in points} - {""}))


def _port(port: Mapping[str, Any]) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port')}{node}/{port.get('protocol')}"


def _endpoints(obj: Object, now: float) -> Cells:
    subsets = obj.get("subsets") or ()
    shown_addresses = listed(_pairs(subsets), _MOST) if subsets else NONE
    return [name(obj), shown_addresses, age(obj, now)]


def _pairs(subsets: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for subset in subsets:
        addresses = [address.get("ip") or "" for address in subset.get("addresses") or ()]
        ports = subset.get("ports")
        if not ports:
            yield from addresses
        for port in ports or ():
            for ip in addresses:
                yield f"[{ip}]:{port.get('port')}" if ":" in ip else f"{ip}:{port.get('port')}"


def _endpoint_slice(obj: Object, now: float) -> Cells:
    ports = ["*" if p.get("port") is None else str(p["port"]) for p in obj.get("ports") or ()]
    addresses = [ip for endpoint in obj.get("endpoints") or () for ip in endpoint.get("addresses") or ()]
    return [
        name(obj),
        obj.get("addressType") or "",
        listed(ports, _MOST) or UNSET,
        listed(addresses, _MOST) or UNSET,
        age(obj, now),
    ]


def _ingress(obj: Object, now: float) -> Cells:
    spec = part(obj, "spec")
    hosts = [rule["host"] for rule in spec.get("rules") or () if rule.get("host")]
    return [
        name(obj),
        spec.get("ingressClassName") or NONE,
        listed(hosts, _MOST) or "*",
        _balancer(obj),
        "80, 443" if spec.get("tls") else "80",
        age(obj, now),
    ]


def _ingress_class(obj: Object, now: float) -> Cells:
    spec = part(obj, "spec")
    found, text = spec.get("parameters"), NONE
    if found:
        group = f".{found['apiGroup']}" if found.get("apiGroup") else ""
        text = f"{found.get('kind')}{group}/{found.get('name')}"
    return [name(obj), spec.get("controller") or "", text, age(obj, now)]


def _network_policy(obj: Object, now: float) -> Cells:
    return [name(obj), shown(part(obj, "spec").get("podSelector")), age(obj, now)]


def _ip_address(obj: Object, now: float) -> Cells:
    found = part(obj, "spec", "parentRef")
    keys = (found.get("resource"), found.get("namespace"), found.get("name"))
    return [name(obj), "/".join(key for key in keys if key) or NONE]


def _service_cidr(obj: Object, now: float) -> Cells:
    return [name(obj), ",".join(part(obj, "spec").get("cidrs") or ()), age(obj, now)]


SERVICES = Table(
    (
        NAME,
        column("Type", about="How the service is exposed."),
        column("Cluster-IP", about="Its address inside the cluster."),
        column("External-IP", about="Its addresses outside the cluster."),
        column("Port(s)", about="Its ports, with their node ports."),
        AGE,
        SELECTOR,
    ),
    _service,
)
ENDPOINTS = Table((NAME, column("Endpoints", about="The addresses that are ready."), AGE), _endpoints)
ENDPOINT_SLICES = Table(
    (
        NAME,
        column("AddressType", about="The kind of the addresses."),
        column("Ports", about="The ports of every endpoint."),
        column("Endpoints", about="The addresses."),
        AGE,
    ),
    _endpoint_slice,
)
INGRESSES = Table(
    (
        NAME,
        column("Class", about="The class that implements the ingress."),
        column("Hosts", about="The hosts that it serves."),
        column("Address", about="Where it can be reached."),
        column("Ports", about="The ports that it listens on."),
        AGE,
    ),
    _ingress,
)
INGRESS_CLASSES = Table(
    (
        NAME,
        column("Controller", about="The controller that handles the class."),
        column("Parameters", about="The object with more settings."),
        AGE,
    ),
    _ingress_class,
)
NETWORK_POLICIES = Table((NAME, column("Pod-Selector", about="The pods that the policy is for."), AGE), _network_policy)
IP_ADDRESSES = Table((NAME, column("ParentRef", about="The object that has the address.")), _ip_address)
SERVICE_CIDRS = Table((NAME, column("CIDRs", about="The ranges of service addresses."), AGE), _service_cidr)
