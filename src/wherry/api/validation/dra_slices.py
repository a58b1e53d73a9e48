"""What drivers publish: pools of devices with attributes, capacities, counters and taints.

Source: pkg/apis/resource/validation/validation.go (KEP-4381, KEP-4815, KEP-5055, KEP-5075).
"""

from __future__ import annotations

import re
from typing import Any

from wherry.api.types import Object
from wherry.api.validation.dra_fields import (
    binding_conditions,
    by_name,
    driver_name,
    items,
    label,
    pool_name,
    qualified,
    taint,
)
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import immutable
from wherry.api.validation.rules import Rules
from wherry.api.validation.scheduling import node_selector
from wherry.machinery import names

_MAX_DEVICES, _MAX_ADVANCED_DEVICES = 128, 64
_MAX_ATTRIBUTES, _MAX_TAINTS, _MAX_TEXT = 32, 16, 64
_MAX_COUNTER_SETS, _MAX_COUNTERS, _MAX_CONSUMPTIONS = 8, 32, 2
_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRE_RELEASE = r"(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_BUILD = r"[0-9a-zA-Z-]+"
_SEMVER = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PRE_RELEASE}(?:\.{_PRE_RELEASE})*)?(?:\+{_BUILD}(?:\.{_BUILD})*)?"
)
_WHERE = "`nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection`"
_WHERE_DEVICE = (
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true"
    " in the ResourceSlice spec"
)
_NOT_PER_DEVICE = (
    "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the"
    " ResourceSlice spec"
)
_TRUE_OR_NOTHING = "must be either unset or set to true"


def resource_slice(errors: Errors, obj: Object) -> None:
    _check(errors, obj.get("spec") or {}, None)


def update_slice(errors: Errors, new: Object, old: Object) -> None:
    _check(errors, new.get("spec") or {}, old.get("spec") or {})


def _check(errors: Errors, spec: Object, before: Object | None) -> None:
    driver_name(errors, spec.get("driver"), "spec.driver")
    pool = spec.get("pool") or {}
    _pool(errors, pool)
    if before is not None:
        immutable(errors, pool.get("name"), (before.get("pool") or {}).get("name"), "spec.pool.name")
        for key in ("driver", "nodeName"):
            immutable(errors, spec.get(key), before.get(key), f"spec.{key}")
    _places(errors, spec)
    if spec.get("sharedCounters") is not None and spec.get("devices") is not None:
        errors.invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed")
    _devices(errors, spec)
    items(errors, spec.get("sharedCounters"), "spec.sharedCounters", _MAX_COUNTER_SETS, _counter_set, key=by_name)


def _pool(errors: Errors, pool: Object) -> None:
    pool_name(errors, pool.get("name"), "spec.pool.name")
    if (count := pool.get("resourceSliceCount") or 0) <= 0:
        errors.invalid("spec.pool.resourceSliceCount", count, "must be greater than zero")
    if (generation := pool.get("generation") or 0) < 0:
        errors.invalid("spec.pool.generation", generation, "must be greater than or equal to zero")


def _places(errors: Errors, spec: Object) -> None:
    """Where the devices are reachable: said once, in one of four ways."""
    given = []
    if (name := spec.get("nodeName")) is not None:
        given += _node_name(errors, name, "spec.nodeName", "must be either unset or set to a non-empty string")
    if (found := spec.get("nodeSelector")) is not None:
        given.append("`nodeSelector`")
        node_selector(errors, found, "spec.nodeSelector")
        if len(terms := found.get("nodeSelectorTerms") or []) != 1:
            errors.invalid("spec.nodeSelector.nodeSelectorTerms", terms, "must have exactly one node selector term")
    for key in ("allNodes", "perDeviceNodeSelection"):
        given += _true(errors, spec.get(key), f"spec.{key}", key)
    if not given:
        errors.required("spec", f"exactly one of {_WHERE} is required")
    elif len(given) > 1:
        text = f"exactly one of {_WHERE} is required, but multiple fields are set"
        errors.invalid("spec", f"{{{', '.join(given)}}}", text)


def _node_name(errors: Errors, name: str, path: str, empty: str) -> list[str]:
    if not name:
        errors.invalid(path, name, empty)
        return []
    errors.each(path, name, names.dns1123_subdomain(name))
    return ["`nodeName`"]


def _true(errors: Errors, value: bool | None, path: str, key: str) -> list[str]:
    if value is False:
        errors.invalid(path, value, _TRUE_OR_NOTHING)
    return [f"`{key}`"] if value else []


def _devices(errors: Errors, spec: Object) -> None:
    per_device = bool(spec.get("perDeviceNodeSelection"))
    devices = spec.get("devices") or ()
    advanced = any(device.get("taints") or device.get("consumesCounters") for device in devices)

    def device(errors: Errors, found: Object, path: str) -> None:
        _device(errors, found, path, per_device=per_device)

    most = _MAX_ADVANCED_DEVICES if advanced else _MAX_DEVICES
    items(errors, devices, "spec.devices", most, device, key=by_name)


def _device(errors: Errors, found: Object, path: str, *, per_device: bool) -> None:
    label(errors, found.get("name"), f"{path}.name")
    attributes, capacity = found.get("attributes") or {}, found.get("capacity") or {}
    if (count := len(attributes) + len(capacity)) > _MAX_ATTRIBUTES:
        text = f"the total number of attributes and capacities must not exceed {_MAX_ATTRIBUTES}"
        errors.invalid(path, count, text)
    for name, attribute in attributes.items():
        qualified(errors, name, f"{path}.attributes")
        _attribute(errors, attribute or {}, f"{path}.attributes[{name}]")
    for name, amount in capacity.items():
        qualified(errors, name, f"{path}.capacity")
        if (amount or {}).get("requestPolicy") is not None and not found.get("allowMultipleAllocations"):
            errors.forbidden(f"{path}.capacity[{name}].requestPolicy", "allowMultipleAllocations must be true")
    items(errors, found.get("taints"), f"{path}.taints", _MAX_TAINTS, taint)
    consumed = found.get("consumesCounters")
    items(
        errors,
        consumed,
        f"{path}.consumesCounters",
        _MAX_CONSUMPTIONS,
        _consumption,
        key=lambda each: each.get("counterSet"),
    )
    _place_of_device(errors, found, path, per_device=per_device)
    binding_conditions(errors, found, path)


def _place_of_device(errors: Errors, found: Object, path: str, *, per_device: bool) -> None:
    keys = ("nodeName", "nodeSelector", "allNodes")
    if not per_device:
        if any(found.get(key) is not None for key in keys):
            errors.invalid(path, None, _NOT_PER_DEVICE)
        return
    given: list[str] = []
    if (name := found.get("nodeName")) is not None:
        given += _node_name(errors, name, f"{path}.nodeName", "must not be empty")
    if (selector := found.get("nodeSelector")) is not None:
        given.append("`nodeSelector`")
        node_selector(errors, selector, f"{path}.nodeSelector")
    given += _true(errors, found.get("allNodes"), f"{path}.allNodes", "allNodes")
    if not given:
        errors.required(path, _WHERE_DEVICE)
    elif len(given) > 1:
        errors.invalid(path, f"{{{', '.join(given)}}}", _WHERE_DEVICE)


def _attribute(errors: Errors, found: Object, path: str) -> None:
    values = [key for key in ("bool", "int", "string", "version") if found.get(key) is not None]
    if (text := found.get("string")) is not None and len(text.encode()) > _MAX_TEXT:
        errors.too_long(f"{path}.string", _MAX_TEXT)
    if (version := found.get("version")) is not None:
        if _SEMVER.fullmatch(version) is None:
            errors.invalid(f"{path}.version", version, "must be a string compatible with semver.org spec 2.0.0")
        if len(version.encode()) > _MAX_TEXT:
            errors.too_long(f"{path}.version", _MAX_TEXT)
    if len(values) != 1:
        errors.invalid(path, found if values else "", "exactly one value must be specified")


def _counter_set(errors: Errors, found: Object, path: str) -> None:
    _counters(errors, found, path, "name")


def _consumption(errors: Errors, found: Object, path: str) -> None:
    _counters(errors, found, path, "counterSet")


def _counters(errors: Errors, found: Object, path: str, key: str) -> None:
    if not found.get(key):
        errors.required(f"{path}.{key}")
    else:
        label(errors, found[key], f"{path}.{key}")
    counters: dict[str, Any] = found.get("counters") or {}
    if not counters:
        errors.required(f"{path}.counters")
    elif len(counters) > _MAX_COUNTERS:
        errors.too_many(f"{path}.counters", len(counters), _MAX_COUNTERS)
    for name in counters if len(counters) <= _MAX_COUNTERS else ():
        label(errors, name, f"{path}.counters")


RESOURCE_SLICES = Rules(create=resource_slice, update=update_slice)
