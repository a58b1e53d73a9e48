"""Ingresses, ingress classes, network policies, IP addresses and service ranges.

Source: pkg/apis/networking/validation.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from wherry.api.types import Object
from wherry.api.validation.containers import PROTOCOLS
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import cidr, immutable, ip, parse_ip
from wherry.api.validation.labels import selector
from wherry.api.validation.rules import Rules
from wherry.machinery import names

_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_BAD_PARTS = ("//", "/./", "/../", "%2f", "%2F")
_BAD_ENDS = ("/..", "/.")
_CLASS_ANNOTATION = "kubernetes.io/ingress.class"


def ingress(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    _ingress_spec(errors, spec)
    annotation = ((obj.get("metadata") or {}).get("annotations") or {}).get(_CLASS_ANNOTATION)
    chosen = spec.get("ingressClassName")
    if annotation is not None and chosen is not None and annotation != chosen:
        text = "must match `ingressClassName` when both are specified"
        errors.invalid(f"annotations.{_CLASS_ANNOTATION}", annotation, text)


def update_ingress(errors: Errors, new: Object, old: Object) -> None:
    _ingress_spec(errors, new.get("spec") or {})


def _ingress_spec(errors: Errors, spec: Object) -> None:
    backend, rules = spec.get("defaultBackend"), spec.get("rules") or []
    if not rules and backend is None:
        errors.invalid("spec", rules, "either `defaultBackend` or `rules` must be specified")
    if backend is not None:
        _backend(errors, backend, "spec.defaultBackend")
    for i, rule in enumerate(rules):
        _rule(errors, rule, f"spec.rules[{i}]")
    for i, tls in enumerate(spec.get("tls") or ()):
        for j, host in enumerate(tls.get("hosts") or ()):
            _host(errors, host, f"spec.tls[{i}].hosts[{j}]")
        if name := tls.get("secretName"):
            errors.each(f"spec.tls[{i}].secretName", name, names.dns1123_subdomain(name))
    if (chosen := spec.get("ingressClassName")) is not None:
        errors.each("spec.ingressClassName", chosen, names.dns1123_subdomain(chosen))


def _host(errors: Errors, host: str, path: str) -> None:
    errors.each(path, host, (names.wildcard_subdomain if "*" in host else names.dns1123_subdomain)(host))


def _rule(errors: Errors, rule: Object, path: str) -> None:
    if host := rule.get("host"):
        if parse_ip(host) is not None:
            errors.invalid(f"{path}.host", host, "must be a DNS name, not an IP address")
        _host(errors, host, f"{path}.host")
    http = rule.get("http")
    if http is None:
        return
    if not http.get("paths"):
        errors.required(f"{path}.http.paths")
    for i, found in enumerate(http.get("paths") or ()):
        _path(errors, found, f"{path}.http.paths[{i}]")


def _path(errors: Errors, found: Object, path: str) -> None:
    kind, target = found.get("pathType"), found.get("path") or ""
    if kind is None:
        errors.required(f"{path}.pathType", "pathType must be specified")
        return
    if kind not in _PATH_TYPES:
        errors.not_supported(f"{path}.pathType", kind, _PATH_TYPES)
    elif not target.startswith("/") and (target or kind != "ImplementationSpecific"):
        errors.invalid(f"{path}.path", target, "must be an absolute path")
    if kind in ("Exact", "Prefix"):
        for part in _BAD_PARTS:
            if part in target:
                errors.invalid(f"{path}.path", target, f"must not contain '{part}'")
        for end in _BAD_ENDS:
            if target.endswith(end):
                errors.invalid(f"{path}.path", target, f"cannot end with '{end}'")
    _backend(errors, found.get("backend") or {}, f"{path}.backend")


def _backend(errors: Errors, backend: Object, path: str) -> None:
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        errors.invalid(path, "", "cannot set both resource and service backends")
    elif resource is not None:
        for key in ("kind", "name"):
            _segment(errors, resource.get(key), f"{path}.resource.{key}")
    elif service is not None:
        _service(errors, service, path)
    else:
        errors.invalid(path, "", "resource or service backend is required")


def _service(errors: Errors, service: Object, path: str) -> None:
    name, port = service.get("name"), service.get("port") or {}
    if not name:
        errors.required(f"{path}.service.name")
    else:
        errors.each(f"{path}.service.name", name, names.dns1123_label(name))
    by_name, by_number = port.get("name"), port.get("number")
    if by_name and by_number:
        errors.invalid(path, "", "cannot set both port name & port number")
    elif by_name:
        errors.each(f"{path}.service.port.name", by_name, names.port_name(by_name))
    elif by_number:
        errors.each(f"{path}.service.port.number", by_number, names.port_number(by_number))
    else:
        errors.required(path, "port name or number is required")


def _segment(errors: Errors, value: str | None, path: str) -> None:
    if not value:
        errors.required(path)
    else:
        errors.each(path, value, names.path_segment(value))


def ingress_status(errors: Errors, new: Object, old: Object) -> None:
    points = ((new.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    for i, point in enumerate(points):
        path = f"status.loadBalancer.ingress[{i}]"
        if point.get("ip"):
            ip(errors, point["ip"], f"{path}.ip")
        if host := point.get("hostname"):
            errors.each(f"{path}.hostname", host, names.dns1123_subdomain(host))
            if parse_ip(host) is not None:
                errors.invalid(f"{path}.hostname", host, "must be a DNS name, not an IP address")


def ingress_class(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    controller = spec.get("controller") or ""
    if not controller:
        errors.required("spec.controller")
    else:
        if len(controller) > 250:
            errors.too_long("spec.controller", 250)
        domain_path(errors, controller, "spec.controller")
    if (parameters := spec.get("parameters")) is not None:
        _parameters(errors, parameters, "spec.parameters")


def domain_path(errors: Errors, value: str, path: str) -> None:
    host, slash, rest = value.partition("/")
    if not (host and slash and rest):
        errors.invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')
        return
    errors.each(path, host, names.dns1123_subdomain(host))
    errors.each(path, rest, names.http_path(rest))


def _parameters(errors: Errors, parameters: Object, path: str) -> None:
    if group := parameters.get("apiGroup"):
        errors.each(f"{path}.apiGroup", group, names.dns1123_subdomain(group))
    for key in ("kind", "name"):
        _segment(errors, parameters.get(key), f"{path}.{key}")
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    if scope is None:
        errors.required(f"{path}.scope")
    elif scope not in ("Cluster", "Namespace"):
        errors.not_supported(f"{path}.scope", scope, ("Cluster", "Namespace"))
    elif scope == "Namespace" and namespace is None:
        errors.required(f"{path}.namespace", "`parameters.scope` is set to 'Namespace'")
    elif scope == "Namespace":
        errors.each(f"{path}.namespace", namespace, names.dns1123_label(namespace or ""))
    elif namespace is not None:
        errors.forbidden(f"{path}.namespace", "`parameters.scope` is set to 'Cluster'")


def update_ingress_class(errors: Errors, new: Object, old: Object) -> None:
    after, before = ((obj.get("spec") or {}).get("controller") for obj in (new, old))
    immutable(errors, after, before, "spec.controller")
    ingress_class(errors, new)


def network_policy(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    selector(errors, spec.get("podSelector"), "spec.podSelector")
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for i, rule in enumerate(spec.get(direction) or ()):
            path = f"spec.{direction}[{i}]"
            for j, port in enumerate((rule or {}).get("ports") or ()):
                _policy_port(errors, port, f"{path}.ports[{j}]")
            for j, peer in enumerate((rule or {}).get(peers) or ()):
                _peer(errors, peer, f"{path}.{peers}[{j}]")
    types = spec.get("policyTypes") or []
    if len(types) > 2:
        errors.invalid("spec.policyTypes", types, "may not specify more than two policyTypes")
        return
    for i, kind in enumerate(types):
        if kind not in ("Ingress", "Egress"):
            errors.not_supported(f"spec.policyTypes[{i}]", kind, ("Ingress", "Egress"))


def _policy_port(errors: Errors, port: Object, path: str) -> None:
    protocol, number, end = port.get("protocol"), port.get("port"), port.get("endPort")
    if protocol is not None and protocol not in PROTOCOLS:
        errors.not_supported(f"{path}.protocol", protocol, PROTOCOLS)
    if isinstance(number, str):
        if end is not None:
            errors.invalid(f"{path}.endPort", end, "may not be specified when `port` is non-numeric")
        errors.each(f"{path}.port", number, names.port_name(number))
    elif number is not None:
        errors.each(f"{path}.port", number, names.port_number(number))
        if end is not None:
            if end < number:
                errors.invalid(f"{path}.endPort", end, "must be greater than or equal to `port`")
            errors.each(f"{path}.endPort", end, names.port_number(end))
    elif end is not None:
        errors.invalid(f"{path}.endPort", end, "may not be specified when `port` is not specified")


def _peer(errors: Errors, peer: Object, path: str) -> None:
    given = [key for key in ("podSelector", "namespaceSelector", "ipBlock") if peer.get(key) is not None]
    for key in given:
        if key == "ipBlock":
            _block(errors, peer[key], f"{path}.ipBlock")
        else:
            selector(errors, peer[key], f"{path}.{key}")
    if not given:
        errors.required(path, "must specify a peer")
    elif len(given) > 1 and "ipBlock" in given:
        errors.forbidden(path, "may not specify both ipBlock and another peer")


def _block(errors: Errors, block: Object, path: str) -> None:
    outer = block.get("cidr")
    if not outer:
        errors.required(f"{path}.cidr")
        return
    good = cidr(errors, outer, f"{path}.cidr")
    for i, inner in enumerate(block.get("except") or ()):
        if cidr(errors, inner, f"{path}.except[{i}]") and good and not _inside(inner, outer):
            errors.invalid(f"{path}.except[{i}]", inner, "must be a strict subset of `cidr`")


def _inside(inner: str, outer: str) -> bool:
    a: Any = ipaddress.ip_network(inner, strict=False)
    b: Any = ipaddress.ip_network(outer, strict=False)
    return a.version == b.version and a != b and a.subnet_of(b)


def _address_name(name: str) -> names.Messages:
    found = parse_ip(name)
    if found is None:
        return ("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",)
    return () if str(found) == name else (f"not a valid IP in canonical format (expected {found})",)


def ip_address(errors: Errors, obj: Object) -> None:
    parent = (obj.get("spec") or {}).get("parentRef")
    if parent is None:
        errors.required("spec.parentRef")
        return
    for key in ("resource", "name"):
        _segment(errors, parent.get(key), f"spec.parentRef.{key}")


def update_ip_address(errors: Errors, new: Object, old: Object) -> None:
    after, before = ((obj.get("spec") or {}).get("parentRef") for obj in (new, old))
    immutable(errors, after, before, "spec.parentRef")


def service_cidr(errors: Errors, obj: Object) -> None:
    ranges = (obj.get("spec") or {}).get("cidrs") or []
    if not ranges:
        errors.required("spec.cidrs", "at least one CIDR required")
        return
    if len(ranges) > 2:
        errors.invalid("spec", ranges, "may only hold up to 2 values")
    good = [cidr(errors, value, f"spec.cidrs[{i}]") for i, value in enumerate(ranges)]
    families = {ipaddress.ip_network(value, strict=False).version for value in ranges} if all(good) else set()
    if len(ranges) == 2 and len(families) == 1:
        text = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
        errors.invalid("spec.cidrs", ranges, text)


def update_service_cidr(errors: Errors, new: Object, old: Object) -> None:
    """Nothing changes but that a second family may come."""
    after, before = ((obj.get("spec") or {}).get("cidrs") or [] for obj in (new, old))
    if len(after) < len(before):
        immutable(errors, after, before, "spec.cidrs")
        return
    for i, value in enumerate(before):
        immutable(errors, after[i], value, f"spec.cidrs[{i}]")
    if len(after) > len(before):
        service_cidr(errors, new)


INGRESSES = Rules(create=ingress, update=update_ingress, status=ingress_status)
INGRESS_CLASSES = Rules(create=ingress_class, update=update_ingress_class)
NETWORK_POLICIES = Rules(create=network_policy)
IP_ADDRESSES = Rules(name=_address_name, create=ip_address, update=update_ip_address)
SERVICE_CIDRS = Rules(create=service_cidr, update=update_service_cidr)
