"""Nodes: taints, capacity, pod ranges. Source: `ValidateNode`, `ValidateNodeUpdate`."""

from __future__ import annotations

import ipaddress

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import cidr
from wherry.api.validation.labels import label_name
from wherry.api.validation.resources import quantity_value
from wherry.api.validation.rules import Rules
from wherry.api.validation.scheduling import TAINT_EFFECTS
from wherry.machinery import names

_CIDR_FIXED = 'node updates may not change podCIDR except from "" to valid'
_PROVIDER_FIXED = 'node updates may not change providerID except from "" to valid'


def node(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    _taints(errors, spec.get("taints") or ())
    _amounts(errors, obj.get("status") or {})
    ranges = spec.get("podCIDRs") or []
    good = [cidr(errors, value, f"spec.podCIDRs[{i}]") for i, value in enumerate(ranges)]
    if len(ranges) > 1 and all(good):
        families = {ipaddress.ip_network(value, strict=False).version for value in ranges}
        if len(families) < 2 or len(ranges) > 2:
            errors.invalid("spec.podCIDRs", ranges, "may specify no more than one CIDR for each IP family")
        for i, value in enumerate(ranges):
            if value in ranges[:i]:
                errors.duplicate(f"spec.podCIDRs[{i}]", value)


def _taints(errors: Errors, taints: list[Object] | tuple[()]) -> None:
    # Upstream puts the taints below metadata; clients know the path as it is.
    seen: set[tuple[str, str]] = set()
    for i, taint in enumerate(taints):
        path = f"metadata.taints[{i}]"
        key, value, effect = taint.get("key") or "", taint.get("value") or "", taint.get("effect") or ""
        label_name(errors, key, f"{path}.key")
        if messages := names.label_value(value):
            errors.invalid(f"{path}.value", value, ";".join(messages))
        if not effect:
            errors.required(f"{path}.effect")
        elif effect not in TAINT_EFFECTS:
            errors.not_supported(f"{path}.effect", effect, TAINT_EFFECTS)
        if (key, effect) in seen:
            errors.duplicate(path, taint, "taints must be unique by key and effect pair")
        seen.add((key, effect))


def _amounts(errors: Errors, status: Object) -> None:
    for part in ("capacity", "allocatable"):
        for name, value in (status.get(part) or {}).items():
            quantity_value(errors, name, value, f"status.{part}.{name}")


def update_node(errors: Errors, new: Object, old: Object) -> None:
    after, before = new.get("spec") or {}, old.get("spec") or {}
    status = new.get("status") or {}
    _amounts(errors, status)
    addresses = status.get("addresses") or []
    for i, address in enumerate(addresses):
        if address in addresses[:i]:
            errors.duplicate(f"status.addresses[{i}]", address)
    if before.get("podCIDRs") and after.get("podCIDRs") != before["podCIDRs"]:
        errors.forbidden("spec.podCIDRs", _CIDR_FIXED)
    if before.get("providerID") and after.get("providerID") != before["providerID"]:
        errors.forbidden("spec.providerID", _PROVIDER_FIXED)
    _taints(errors, after.get("taints") or ())
    if (after.get("externalID") or "") != (before.get("externalID") or ""):
        errors.forbidden("spec.externalID", "may not be updated")


NODES = Rules(create=node, update=update_node, status=update_node)
