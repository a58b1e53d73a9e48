"""Services: type, ports, addresses and IP families, traffic policies; what may change.

Addresses and ports that are still to be allocated may be missing. Source: `ValidateService`, `ValidateServiceUpdate`.
"""

from __future__ import annotations

from typing import Any

from wherry.api.strategies.services import needs_health_check_port
from wherry.api.types import Object
from wherry.api.validation.containers import PROTOCOLS
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import (
    choice,
    choice_if_set,
    cidr,
    dual_stack,
    ip,
    non_special_ip,
    parse_ip,
    port_or_name,
    qualified_name,
)
from wherry.api.validation.labels import labels
from wherry.api.validation.rules import Rules
from wherry.machinery import names

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
_ONLY_BALANCER = "may only be used when `type` is 'LoadBalancer'"
_NOT_EXTERNAL = "may not be set for ExternalName services"
_FIXED = "may not change once set"
_MAX_AFFINITY = 86400


def is_headless(spec: Object) -> bool:
    return spec.get("clusterIPs") == ["None"]


def service(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    kind, ports = spec.get("type") or "", spec.get("ports") or []
    if not ports and not is_headless(spec) and kind != "ExternalName":
        errors.required("spec.ports")
    if kind in ("LoadBalancer", "NodePort") and is_headless(spec):
        errors.invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services")
    if kind == "ExternalName":
        _external_name(errors, spec)
    seen: set[str] = set()
    for i, port in enumerate(ports):
        _port(errors, port, len(ports) > 1, seen, f"spec.ports[{i}]")
    labels(errors, spec.get("selector"), "spec.selector")
    _affinity(errors, spec)
    if kind != "ExternalName":
        cluster_ips(errors, spec)
    for i, address in enumerate(spec.get("externalIPs") or ()):
        if ip(errors, address, f"spec.externalIPs[{i}]"):
            non_special_ip(errors, address, f"spec.externalIPs[{i}]")
    choice(errors, kind, "spec.type", _TYPES)
    _unique_ports(errors, kind, ports)
    _balancer(errors, spec, kind)
    _traffic(errors, spec, kind)


def _external_name(errors: Errors, spec: Object) -> None:
    for key in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if spec.get(key):
            errors.forbidden(f"spec.{key}", _NOT_EXTERNAL)
    name = (spec.get("externalName") or "").removesuffix(".")
    if name:
        errors.each("spec.externalName", name, names.dns1123_subdomain(name))
    else:
        errors.required("spec.externalName")


def _port(errors: Errors, port: Object, named: bool, seen: set[str], path: str) -> None:
    name, number = port.get("name") or "", port.get("port") or 0
    if named and not name:
        errors.required(f"{path}.name")
    elif name:
        errors.each(f"{path}.name", name, names.dns1123_label(name))
        if name in seen:
            errors.duplicate(f"{path}.name", name)
        seen.add(name)
    errors.each(f"{path}.port", number, names.port_number(number))
    choice(errors, port.get("protocol"), f"{path}.protocol", PROTOCOLS)
    port_or_name(errors, port.get("targetPort"), f"{path}.targetPort")
    if (protocol := port.get("appProtocol")) is not None:
        qualified_name(errors, protocol, f"{path}.appProtocol")


def _affinity(errors: Errors, spec: Object) -> None:
    kind, config, path = spec.get("sessionAffinity"), spec.get("sessionAffinityConfig"), "spec.sessionAffinityConfig"
    choice(errors, kind, "spec.sessionAffinity", ("ClientIP", "None"))
    if kind == "None" and config is not None:
        errors.forbidden(path, "must not be set when session affinity is None")
    if kind != "ClientIP":
        return
    for key in ("clientIP", "timeoutSeconds"):
        if config is None:
            break
        path, config = f"{path}.{key}", config.get(key)
    if config is None:
        errors.required(path, "when session affinity type is ClientIP")
    elif not 0 < config <= _MAX_AFFINITY:
        errors.invalid(path, config, f"must be greater than 0 and less than {_MAX_AFFINITY}")


def _unique_ports(errors: Errors, kind: str, ports: list[Object]) -> None:
    node_ports: set[tuple[Any, Any]] = set()
    numbers: set[tuple[Any, Any]] = set()
    for i, port in enumerate(ports):
        if port.get("nodePort") and kind == "ClusterIP":
            errors.forbidden(f"spec.ports[{i}].nodePort", "may not be used when `type` is 'ClusterIP'")
    for i, port in enumerate(ports):
        key = (port.get("protocol"), port.get("nodePort"))
        if key[1] and key in node_ports:
            errors.duplicate(f"spec.ports[{i}].nodePort", port["nodePort"])
        node_ports.add(key)
    for i, port in enumerate(ports):
        key = (port.get("protocol"), port.get("port"))
        if key in numbers:
            errors.duplicate(f"spec.ports[{i}]", {"protocol": key[0], "port": key[1]})
        numbers.add(key)


def _balancer(errors: Errors, spec: Object, kind: str) -> None:
    balanced, ranges = kind == "LoadBalancer", spec.get("loadBalancerSourceRanges") or ()
    if ranges and not balanced:
        errors.forbidden("spec.LoadBalancerSourceRanges", _ONLY_BALANCER)
    for i, value in enumerate(ranges):
        cidr(errors, value.strip(), f"spec.LoadBalancerSourceRanges[{i}]")
    if spec.get("allocateLoadBalancerNodePorts") is not None and not balanced:
        errors.forbidden("spec.allocateLoadBalancerNodePorts", _ONLY_BALANCER)
    if balanced and spec.get("allocateLoadBalancerNodePorts") is None:
        errors.required("allocateLoadBalancerNodePorts")
    if (name := spec.get("loadBalancerClass")) is not None:
        if balanced:
            qualified_name(errors, name, "spec.loadBalancerClass")
        else:
            errors.forbidden("spec.loadBalancerClass", _ONLY_BALANCER)


def _traffic(errors: Errors, spec: Object, kind: str) -> None:
    external = kind in ("LoadBalancer", "NodePort") or (kind == "ClusterIP" and bool(spec.get("externalIPs")))
    policy, path = spec.get("externalTrafficPolicy") or "", "spec.externalTrafficPolicy"
    if external:
        choice(errors, policy, path, ("Cluster", "Local"))
    elif policy:
        errors.invalid(path, policy, "may only be set for externally-accessible services")
    check, path = spec.get("healthCheckNodePort") or 0, "spec.healthCheckNodePort"
    if needs_health_check_port(spec):
        # Without one it is allocated when the service is stored.
        errors.each(path, check, names.port_number(check) if check else ())
    elif check:
        text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        errors.invalid(path, check, text)
    internal = spec.get("internalTrafficPolicy")
    if internal is None and kind in ("NodePort", "LoadBalancer", "ClusterIP"):
        errors.required("spec.internalTrafficPolicy")
    choice_if_set(errors, internal, "spec.internalTrafficPolicy", ("Cluster", "Local"))
    choice_if_set(errors, spec.get("trafficDistribution"), "spec.trafficDistribution", _DISTRIBUTIONS)


def cluster_ips(errors: Errors, spec: Object) -> None:
    """`clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy` must tell one story."""
    path, address, addresses = "spec.clusterIPs", spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    if address and not addresses:
        errors.required(path)
    elif address and addresses[0] != address:
        errors.invalid(path, addresses, "first value must match `clusterIP`")
    elif addresses and not address:
        errors.invalid(path, addresses, "must be empty when `clusterIP` is not specified")
    families = spec.get("ipFamilies") or []
    for i, family in enumerate(families):
        if family not in ("IPv4", "IPv6"):
            errors.not_supported(f"spec.ipFamilies[{i}]", family, ("IPv4", "IPv6"))
        if family in families[:i]:
            errors.duplicate(f"spec.ipFamilies[{i}]", family)
    choice_if_set(errors, spec.get("ipFamilyPolicy"), "spec.ipFamilyPolicy", _FAMILY_POLICIES)
    if not _addresses(errors, addresses, path):
        return
    if len(addresses) > 1 and not dual_stack(addresses):
        errors.invalid(path, addresses, "may specify no more than one IP for each IP family")
    if not is_headless(spec):
        _families(errors, addresses, families, path)


def _addresses(errors: Errors, addresses: list[str], path: str) -> bool:
    good = True
    for i, address in enumerate(addresses):
        if i == 0 and address == "None":
            if len(addresses) > 1:
                good = False
                errors.invalid(path, addresses, "'None' must be the first and only value")
            continue
        good = ip(errors, address, f"{path}[{i}]") and good
    if len(addresses) > 2:
        errors.invalid(path, addresses, "may only hold up to 2 values")
    return good


def _families(errors: Errors, addresses: list[str], families: list[str], path: str) -> None:
    for i, (address, family) in enumerate(zip(addresses, families, strict=False)):
        found = parse_ip(address)
        if found is not None and family in ("IPv4", "IPv6") and f"IPv{found.version}" != family:
            text = f"expected an {family} value as indicated by `ipFamilies[{i}]`"
            errors.invalid(f"{path}[{i}]", address, text)


def update_service(errors: Errors, new: Object, old: Object) -> None:
    after, before = new.get("spec") or {}, old.get("spec") or {}
    if "ExternalName" not in (after.get("type"), before.get("type")):
        if not (is_headless(after) and is_headless(before)):
            _same_first(errors, after, before, "clusterIPs", "clusterIP")
        if not is_headless(after) and not is_headless(before):
            _same_first(errors, after, before, "ipFamilies", "ipFamily")
    both = after.get("type") == before.get("type") == "LoadBalancer"
    if both and after.get("loadBalancerClass") != before.get("loadBalancerClass"):
        errors.invalid("spec.loadBalancerClass", after.get("loadBalancerClass"), _FIXED)
    checked = needs_health_check_port(after) and needs_health_check_port(before)
    if checked and (after.get("healthCheckNodePort") or 0) != (before.get("healthCheckNodePort") or 0):
        errors.forbidden("spec.healthCheckNodePort", "field is immutable")
    service(errors, new)


def _same_first(errors: Errors, after: Object, before: Object, key: str, singular: str) -> None:
    """The first address and family stay; a second one may come and, said so, go."""
    new, old, path = after.get(key) or [], before.get(key) or [], f"spec.{key}"
    if len(new) == len(old):
        for i, (value, stored) in enumerate(zip(new, old, strict=True)):
            if value != stored:
                errors.invalid(f"{path}[{i if key == 'clusterIPs' else 0}]", new, _FIXED)
        return
    if len(old) > len(new) and not new:
        errors.invalid(f"{path}[0]", after.get(key), f"primary {singular} can not be unset")
    if old and new and new[0] != old[0]:
        errors.invalid(f"{path}[0]", new, _FIXED)
    if len(old) > len(new) == 1 and after.get("ipFamilyPolicy") != "SingleStack":
        text = f"must be set to 'SingleStack' when releasing the secondary {singular}"
        errors.invalid("spec.ipFamilyPolicy", after.get("ipFamilyPolicy"), text)


def service_status(errors: Errors, new: Object, old: Object) -> None:
    ingress = ((new.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    path = "status.loadBalancer.ingress"
    if ingress and (new.get("spec") or {}).get("type") != "LoadBalancer":
        errors.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")
        return
    for i, point in enumerate(ingress):
        _ingress(errors, point, f"{path}[{i}]")


def _ingress(errors: Errors, point: Object, path: str) -> None:
    address, mode, host = point.get("ip") or "", point.get("ipMode"), point.get("hostname") or ""
    if address:
        ip(errors, address, f"{path}.ip")
    if mode is None and address:
        errors.required(f"{path}.ipMode", "must be specified when `ip` is set")
    elif mode is not None and not address:
        errors.forbidden(f"{path}.ipMode", "may not be specified when `ip` is not set")
    else:
        choice_if_set(errors, mode, f"{path}.ipMode", ("Proxy", "VIP"))
    if host:
        errors.each(f"{path}.hostname", host, names.dns1123_subdomain(host))
        if parse_ip(host) is not None:
            errors.invalid(f"{path}.hostname", host, "must be a DNS name, not an IP address")


# KEP-5311: since v1.36 the name of a service may begin with a digit.
SERVICES = Rules(name=names.dns1123_label, create=service, update=update_service, status=service_status)
