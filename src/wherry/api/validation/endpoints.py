"""Endpoints and endpoint slices. Source: `ValidateEndpoints`; pkg/apis/discovery/validation."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.types import Object
from wherry.api.validation.containers import PROTOCOLS
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import choice, immutable, ip, non_special_ip, parse_ip, qualified_name
from wherry.api.validation.metadata import NameRule
from wherry.api.validation.rules import Rules
from wherry.machinery import names

_TYPES = ("FQDN", "IPv4", "IPv6")
_MAX_ENDPOINTS, _MAX_ADDRESSES, _MAX_PORTS, _MAX_HINTS = 1000, 100, 20_000, 8


def endpoints(errors: Errors, obj: Object) -> None:
    for i, subset in enumerate(obj.get("subsets") or ()):
        path = f"subsets[{i}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            errors.required(path, "must specify `addresses` or `notReadyAddresses`")
        for key in ("addresses", "notReadyAddresses"):
            for j, address in enumerate(subset.get(key) or ()):
                _address(errors, address, f"{path}.{key}[{j}]")
        ports = subset.get("ports") or ()
        for j, port in enumerate(ports):
            _port(errors, port, len(ports) > 1, f"{path}.ports[{j}]")


def _address(errors: Errors, address: Object, path: str) -> None:
    ip(errors, address.get("ip"), f"{path}.ip")
    if host := address.get("hostname"):
        errors.each(f"{path}.hostname", host, names.dns1123_label(host))
    if (node := address.get("nodeName")) is not None:
        errors.each(f"{path}.nodeName", node, names.dns1123_subdomain(node))
    non_special_ip(errors, address.get("ip") or "", f"{path}.ip")


def _port(errors: Errors, port: Object, named: bool, path: str) -> None:
    name = port.get("name")
    if name:
        errors.each(f"{path}.name", name, names.dns1123_label(name))
    elif named:
        errors.required(f"{path}.name")
    number = port.get("port") or 0
    errors.each(f"{path}.port", number, names.port_number(number))
    choice(errors, port.get("protocol"), f"{path}.protocol", PROTOCOLS)
    if (protocol := port.get("appProtocol")) is not None:
        qualified_name(errors, protocol, f"{path}.appProtocol")


def endpoint_slice(errors: Errors, obj: Object) -> None:
    kind = obj.get("addressType")
    choice(errors, kind, "addressType", _TYPES)
    found = obj.get("endpoints") or []
    if len(found) > _MAX_ENDPOINTS:
        errors.too_many("endpoints", len(found), _MAX_ENDPOINTS)
    else:
        for i, endpoint in enumerate(found):
            _endpoint(errors, endpoint, kind or "", f"endpoints[{i}]")
    _slice_ports(errors, obj.get("ports") or [])


def _endpoint(errors: Errors, endpoint: Object, kind: str, path: str) -> None:
    addresses = endpoint.get("addresses") or []
    if not addresses:
        errors.required(f"{path}.addresses", "must contain at least 1 address")
    elif len(addresses) > _MAX_ADDRESSES:
        errors.too_many(f"{path}.addresses", len(addresses), _MAX_ADDRESSES)
    for i, address in enumerate(addresses):
        _typed(errors, address, kind, f"{path}.addresses[{i}]")
    if (node := endpoint.get("nodeName")) is not None:
        errors.each(f"{path}.nodeName", node, names.dns1123_subdomain(node))
    if (host := endpoint.get("hostname")) is not None:
        errors.each(f"{path}.hostname", host, names.dns1123_label(host))
    hints = endpoint.get("hints") or {}
    _hints(errors, hints.get("forZones") or (), f"{path}.hints.forZones", names.label_key)
    _hints(errors, hints.get("forNodes") or (), f"{path}.hints.forNodes", names.dns1123_subdomain)


def _hints(errors: Errors, found: Sequence[Object], path: str, rule: NameRule) -> None:
    if len(found) > _MAX_HINTS:
        errors.too_many(path, len(found), _MAX_HINTS)
        return
    seen: set[str] = set()
    for i, hint in enumerate(found):
        name = hint.get("name") or ""
        if name in seen:
            errors.duplicate(f"{path}[{i}].name", name)
        seen.add(name)
        errors.each(f"{path}[{i}].name", name, rule(name))


def _typed(errors: Errors, address: str, kind: str, path: str) -> None:
    if kind == "FQDN":
        _domain(errors, address, path)
        return
    if kind not in ("IPv4", "IPv6"):
        return
    found = parse_ip(address)
    if found is None or f"IPv{found.version}" != kind:
        errors.invalid(path, address, f"must be a valid {kind} address")
    non_special_ip(errors, address, path)


def _domain(errors: Errors, name: str, path: str) -> None:
    trimmed = name.removesuffix(".")
    if not name:
        errors.required(path)
    elif messages := names.dns1123_subdomain(trimmed):
        errors.invalid(path, trimmed, ",".join(messages))
    elif "." not in trimmed:
        errors.invalid(path, trimmed, "should be a domain with at least two segments separated by dots")


def _slice_ports(errors: Errors, ports: list[Object]) -> None:
    if len(ports) > _MAX_PORTS:
        errors.too_many("ports", len(ports), _MAX_PORTS)
        return
    seen: set[str] = set()
    for i, port in enumerate(ports):
        name = port.get("name") or ""
        if name:
            errors.each(f"ports[{i}].name", name, names.dns1123_label(name))
        if name in seen:
            errors.duplicate(f"ports[{i}].name", name)
        seen.add(name)
        choice(errors, port.get("protocol"), f"ports[{i}].protocol", PROTOCOLS)
        if (protocol := port.get("appProtocol")) is not None:
            qualified_name(errors, protocol, f"ports[{i}].appProtocol")


def update_endpoint_slice(errors: Errors, new: Object, old: Object) -> None:
    endpoint_slice(errors, new)
    immutable(errors, new.get("addressType"), old.get("addressType"), "addressType")


ENDPOINTS = Rules(create=endpoints)
ENDPOINT_SLICES = Rules(create=endpoint_slice, update=update_endpoint_slice)
