"""Which devices a claim or a class is for: expressions over `device` (dynamic resource allocation).

    program = compiled('device.driver == "gpu.example.com" && device.attributes["gpu.example.com"].memory > 4')
    matches(program, driver="gpu.example.com", device={"attributes": {...}, "capacity": {...}})

Source: k8s.io/dynamic-resource-allocation/cel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any, Final

from wherry.machinery.cel.environment import Environment, Program
from wherry.machinery.cel.kubernetes import kubernetes
from wherry.machinery.cel.libraries.quantities import QUANTITY_TYPE, quantity
from wherry.machinery.cel.libraries.versions import semver
from wherry.machinery.cel.source import CompileError
from wherry.machinery.cel.types import BOOL, DYN, STRING, AnyField, Kind, Type, map_of, object_type
from wherry.machinery.cel.values import no_overload

MAX_COST: Final = 1_000_000
_MAX_VALUE, _MAX_DOMAIN, _MAX_ID, _MAX_DRIVER, _MAX_ENTRIES = 64, 63, 32, 63, 32


class SelectorError(ValueError):
    """The expression is no selector; the message is upstream's."""


class _Domains(dict[str, Any]):
    """Attributes by domain and name; a domain that a device does not have is empty."""

    def __missing__(self, key: str) -> Any:
        return {}

    def __contains__(self, key: object) -> bool:
        return True


@cache
def _environment() -> Environment:
    attribute = DYN.sized(_MAX_VALUE)
    device = {
        "driver": STRING.sized(_MAX_DRIVER),
        "attributes": _by_domain(attribute),
        "capacity": _by_domain(QUANTITY_TYPE.sized(0)),
        "allowMultipleAllocations": BOOL.sized(0),
    }
    return kubernetes({"device": object_type("kubernetes.DRADevice", device, max_size=0)}, bind=True)


def _by_domain(value: Type) -> Type:
    # `attributes["domain"].name` selects a field: it has the size of any value of the map.
    inner = replace(map_of(STRING.sized(_MAX_ID), value, max_size=_MAX_ENTRIES), fields=AnyField(value))
    return map_of(STRING.sized(_MAX_DOMAIN), inner, max_size=_MAX_ENTRIES)


@lru_cache(maxsize=512)
def compiled(text: str) -> Program:
    """Raises `SelectorError`."""
    try:
        program = _environment().compile(text)
    except CompileError as error:
        raise SelectorError(f"compilation failed: {error}") from error
    if program.result_type.kind not in (Kind.BOOL, Kind.DYN):
        raise SelectorError(f"must evaluate to bool or the unknown type, not {program.result_type.described()}")
    return program


def matches(program: Program, *, driver: str, device: Mapping[str, Any]) -> bool:
    """Whether the selector is for the device (of a ResourceSlice). Raises `EvaluationError`."""
    attributes, capacity = _Domains(), _Domains()
    for name, attribute in (device.get("attributes") or {}).items():
        _put(attributes, name, driver, _value(attribute))
    for name, amount in (device.get("capacity") or {}).items():
        _put(capacity, name, driver, quantity(str(amount.get("value", "0"))))
    multiple = bool(device.get("allowMultipleAllocations"))
    found = {"driver": driver, "attributes": attributes, "capacity": capacity, "allowMultipleAllocations": multiple}
    result = program.evaluate({"device": found}, limit=MAX_COST)
    if result.__class__ is not bool:
        raise no_overload()
    return bool(result)


def _put(found: dict[str, Any], name: str, driver: str, value: Any) -> None:
    domain, slash, id_ = name.partition("/")
    if not slash:
        domain, id_ = driver, name
    found.setdefault(domain, {})[id_] = value


def _value(attribute: Mapping[str, Any]) -> Any:
    if (version := attribute.get("version")) is not None:
        return semver(version)
    return next((attribute[key] for key in ("int", "bool", "string") if attribute.get(key) is not None), None)
