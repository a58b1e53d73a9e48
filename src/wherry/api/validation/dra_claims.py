"""Claims for devices, their templates and the classes of devices.

Source: pkg/apis/resource/validation/validation.go.
"""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.api.validation.dra_fields import (
    MAX_LIST,
    binding_conditions,
    by_name,
    class_name,
    driver_name,
    fully_qualified,
    items,
    itself,
    label,
    opaque,
    parameters,
    pool_name,
    selector,
    toleration,
)
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import immutable
from wherry.api.validation.labels import annotation_map, labels
from wherry.api.validation.rules import Rules
from wherry.api.validation.scheduling import node_selector
from wherry.machinery import names

_MAX_ALTERNATIVES, _MAX_CONSUMERS, _MAX_CONDITIONS = 8, 256, 8
_MODES = ("All", "ExactCount")
_BAD_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
_ONE_OF = "exactly one of `exactly` or `firstAvailable` is required"

Requests = dict[str, set[str]]
"""The names of a claim's requests, with those of their alternatives."""


def resource_claim(errors: Errors, obj: Object) -> None:
    _claim_spec(errors, obj.get("spec") or {}, "spec")


def update_claim(errors: Errors, new: Object, old: Object) -> None:
    immutable(errors, new.get("spec"), old.get("spec"), "spec")


def claim_template(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    metadata = spec.get("metadata") or {}
    labels(errors, metadata.get("labels"), "spec.metadata.labels")
    annotation_map(errors, metadata.get("annotations"), "spec.metadata.annotations")
    _claim_spec(errors, spec.get("spec") or {}, "spec.spec")


def _claim_spec(errors: Errors, spec: Object, path: str) -> None:
    devices, where = spec.get("devices") or {}, f"{path}.devices"
    known = _request_names(devices)

    def constraint(errors: Errors, found: Object, path: str) -> None:
        _constraint(errors, found, path, known)

    def config(errors: Errors, found: Object, path: str) -> None:
        _references(errors, found.get("requests"), f"{path}.requests", known)
        opaque(errors, found, path)

    items(errors, devices.get("requests"), f"{where}.requests", MAX_LIST, _request, key=by_name)
    items(errors, devices.get("constraints"), f"{where}.constraints", MAX_LIST, constraint)
    items(errors, devices.get("config"), f"{where}.config", MAX_LIST, config)


def _request_names(devices: Object) -> Requests:
    return {
        by_name(each): set(map(by_name, each.get("firstAvailable") or ())) for each in devices.get("requests") or ()
    }


def _request(errors: Errors, found: Object, path: str) -> None:
    label(errors, found.get("name"), f"{path}.name")
    exactly, alternatives = found.get("exactly"), found.get("firstAvailable")
    if exactly is None and not alternatives:
        errors.required(path, _ONE_OF)
    elif exactly is not None and alternatives:
        errors.invalid(path, None, f"{_ONE_OF}, but multiple fields are set")
    elif alternatives:
        items(errors, alternatives, f"{path}.firstAvailable", _MAX_ALTERNATIVES, _alternative, key=by_name)
    else:
        _devices(errors, exactly or {}, f"{path}.exactly")


def _alternative(errors: Errors, found: Object, path: str) -> None:
    label(errors, found.get("name"), f"{path}.name")
    _devices(errors, found, path)


def _devices(errors: Errors, found: Object, path: str) -> None:
    """Which devices, and how many of them."""
    class_name(errors, found.get("deviceClassName"), f"{path}.deviceClassName")
    items(errors, found.get("selectors"), f"{path}.selectors", MAX_LIST, selector)
    mode, count = found.get("allocationMode") or "", found.get("count") or 0
    if mode == "All":
        if count:
            errors.invalid(f"{path}.count", count, "must not be specified when allocationMode is 'All'")
    elif mode != "ExactCount":
        errors.not_supported(f"{path}.allocationMode", mode, _MODES)
    elif count <= 0:
        errors.invalid(f"{path}.count", count, "must be greater than zero")
    items(errors, found.get("tolerations"), f"{path}.tolerations", -1, toleration)


def _constraint(errors: Errors, found: Object, path: str, known: Requests) -> None:
    _references(errors, found.get("requests"), f"{path}.requests", known)
    for key in ("matchAttribute", "distinctAttribute"):
        if (name := found.get(key)) is not None:
            fully_qualified(errors, name, f"{path}.{key}")
            return
    text = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
    errors.required(path, text)


def _references(errors: Errors, found: Any, path: str, known: Requests) -> None:
    def reference(errors: Errors, name: str, path: str) -> None:
        _reference(errors, name, path, known)

    items(errors, found, path, MAX_LIST, reference, key=itself)


def _reference(errors: Errors, name: str, path: str, known: Requests) -> None:
    parts = name.split("/")
    if len(parts) > 2:
        errors.invalid(path, name, _BAD_REQUEST)
        return
    for part in parts:
        label(errors, part, path)
    if parts[0] not in known or (len(parts) == 2 and parts[1] not in known[parts[0]]):
        errors.invalid(path, name, _BAD_REQUEST)


def claim_status(errors: Errors, new: Object, old: Object) -> None:
    status, before = new.get("status") or {}, old.get("status") or {}
    allocation, reserved = status.get("allocation"), status.get("reservedFor") or []
    items(errors, reserved, "status.reservedFor", _MAX_CONSUMERS, _consumer, key=lambda each: each.get("uid"))
    _device_statuses(errors, status.get("devices"), allocation or {})
    if reserved and allocation is None:
        errors.forbidden("status.reservedFor", "may not be specified when `allocated` is not set")
    elif reserved and new["metadata"].get("deletionTimestamp"):
        known = before.get("reservedFor") or []
        if any(consumer not in known for consumer in reserved):
            text = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
            errors.forbidden("status.reservedFor", text)
    if allocation is None:
        return
    if before.get("allocation") is not None:
        immutable(errors, allocation, before["allocation"], "status.allocation")
    else:
        _allocation(errors, allocation, _request_names((new.get("spec") or {}).get("devices") or {}))


def _consumer(errors: Errors, found: Object, path: str) -> None:
    for key in ("resource", "name", "uid"):
        if not found.get(key):
            errors.required(f"{path}.{key}")


def _device_id(found: Object) -> str:
    parts = [found.get(key) or "" for key in ("driver", "pool", "device")]
    return "/".join([*parts, found["shareID"]] if found.get("shareID") else parts)


def _device_statuses(errors: Errors, found: Any, allocation: Object) -> None:
    allocated = {_device_id(result) for result in (allocation.get("devices") or {}).get("results") or ()}

    def device(errors: Errors, found: Object, path: str) -> None:
        _device(errors, found, path)
        if (name := _device_id(found)) not in allocated:
            errors.invalid(path, name, "must be an allocated device in the claim")
        conditions = found.get("conditions") or ()
        if len(conditions) > _MAX_CONDITIONS:
            errors.too_many(f"{path}.conditions", len(conditions), _MAX_CONDITIONS)
        if (data := found.get("data")) is not None:
            parameters(errors, data, f"{path}.data", 10 * 1024)

    items(errors, found, "status.devices", -1, device, key=_device_id)


def _device(errors: Errors, found: Object, path: str) -> None:
    driver_name(errors, found.get("driver"), f"{path}.driver")
    pool_name(errors, found.get("pool"), f"{path}.pool")
    label(errors, found.get("device"), f"{path}.device")


def _allocation(errors: Errors, allocation: Object, known: Requests) -> None:
    path, devices = "status.allocation", allocation.get("devices") or {}

    def result(errors: Errors, found: Object, path: str) -> None:
        _reference(errors, found.get("request") or "", f"{path}.request", known)
        _device(errors, found, path)
        binding_conditions(errors, found, path)
        items(errors, found.get("tolerations"), f"{path}.tolerations", -1, toleration)

    def config(errors: Errors, found: Object, path: str) -> None:
        source = found.get("source")
        if not source:
            errors.required(f"{path}.source")
        elif source not in ("FromClaim", "FromClass"):
            errors.not_supported(f"{path}.source", source, ("FromClaim", "FromClass"))
        _references(errors, found.get("requests"), f"{path}.requests", known)
        opaque(errors, found, path)

    items(errors, devices.get("results"), f"{path}.devices.results", MAX_LIST, result)
    items(errors, devices.get("config"), f"{path}.devices.config", 2 * MAX_LIST, config)
    if (found := allocation.get("nodeSelector")) is not None:
        node_selector(errors, found, f"{path}.nodeSelector")


def device_class(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    items(errors, spec.get("selectors"), "spec.selectors", MAX_LIST, selector)
    items(errors, spec.get("config"), "spec.config", MAX_LIST, opaque)
    name = spec.get("extendedResourceName")
    if name is not None and not _is_extended(name):
        errors.invalid("spec.extendedResourceName", name, "must be a valid extended resource name")


def _is_extended(name: str) -> bool:
    native = "/" not in name or "kubernetes.io/" in name
    return not native and not name.startswith("requests.") and not names.label_key(f"requests.{name}")


RESOURCE_CLAIMS = Rules(create=resource_claim, update=update_claim, status=claim_status)
CLAIM_TEMPLATES = Rules(create=claim_template, update=update_claim)
DEVICE_CLASSES = Rules(create=device_class)
