"""Environment variables and references to fields of the pod (downward API).

Source: `ValidateEnv`, `ValidateEnvFrom`, `validateObjectFieldSelector`, `validateContainerResourceFieldSelector`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import non_reserved_path, qualified_name
from wherry.machinery import names
from wherry.machinery.quantity import QuantityError, parse

ENV_FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
VOLUME_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
_RESOURCE_FIELDS = (
    "limits.cpu", "limits.ephemeral-storage", "limits.memory",
    "requests.cpu", "requests.ephemeral-storage", "requests.memory",
)  # fmt: skip
_KNOWN_PATHS = frozenset((*ENV_FIELDS, *VOLUME_FIELDS, "spec.restartPolicy", "spec.host", "status.phase"))
_SUBSCRIPT = re.compile(r"(.*)\['(.*)'\]")
_BYTE_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_ONE_SOURCE = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
_TOO_MANY = "may not have more than one field specified at a time"


def env(errors: Errors, entries: list[Object], path: str) -> None:
    for i, entry in enumerate(entries):
        name = entry.get("name")
        if not name:
            errors.required(f"{path}[{i}].name")
        elif messages := names.env_name(name):
            errors.each(f"{path}[{i}].name", name, messages)
        if (source := entry.get("valueFrom")) is not None:
            _value_from(errors, entry, source, f"{path}[{i}].valueFrom")


def _value_from(errors: Errors, entry: Object, source: Object, path: str) -> None:
    given = [key for key in _SOURCES if source.get(key) is not None]
    for key in given:
        where, ref = f"{path}.{key}", source[key]
        if key == "fieldRef":
            field_ref(errors, ref, ENV_FIELDS, where)
        elif key == "resourceFieldRef":
            resource_field_ref(errors, ref, where, volume=False)
        elif key == "fileKeyRef":
            _file_key(errors, ref, where)
        else:
            _key_ref(errors, ref, where)
    if not given:
        errors.invalid(path, "", _ONE_SOURCE)
    elif entry.get("value"):
        errors.invalid(path, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        errors.invalid(path, "", _TOO_MANY)


def _key_ref(errors: Errors, ref: Object, path: str) -> None:
    name, key = ref.get("name") or "", ref.get("key")
    if messages := names.dns1123_subdomain(name):
        errors.each(f"{path}.name", name, messages)
    if not key:
        errors.required(f"{path}.key")
    elif messages := names.config_key(key):
        errors.each(f"{path}.key", key, messages)


def _file_key(errors: Errors, ref: Object, path: str) -> None:
    key, volume, file = ref.get("key"), ref.get("volumeName"), ref.get("path")
    if not key:
        errors.required(f"{path}.key")
    else:
        errors.each(f"{path}.key", key, names.env_name(key))
    if not volume:
        errors.required(f"{path}.volumeName")
    if not file:
        errors.required(f"{path}.path")
    else:
        non_reserved_path(errors, file, f"{path}.path")


def env_from(errors: Errors, sources: list[Object], path: str) -> None:
    for i, source in enumerate(sources):
        where = f"{path}[{i}]"
        if prefix := source.get("prefix"):
            errors.each(f"{where}.prefix", prefix, names.env_name(prefix))
        given = [key for key in ("configMapRef", "secretRef") if source.get(key) is not None]
        for key in given:
            name = source[key].get("name")
            if not name:
                errors.required(f"{where}.{key}.name")
            elif messages := names.dns1123_subdomain(name):
                errors.each(f"{where}.{key}.name", name, messages)
        if not given:
            errors.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(given) > 1:
            errors.invalid(path, "", _TOO_MANY)


def field_ref(errors: Errors, ref: Object, allowed: Collection[str], path: str) -> None:
    """A `fieldRef`; `allowed` are the paths without subscript, in the order to show."""
    field = ref.get("fieldPath")
    if not ref.get("apiVersion"):
        errors.required(f"{path}.apiVersion")
        return
    if not field:
        errors.required(f"{path}.fieldPath")
        return
    subscripted = _SUBSCRIPT.fullmatch(field)
    if subscripted is not None:
        _subscript(errors, subscripted[1], subscripted[2], field, path)
    elif field not in _KNOWN_PATHS:
        errors.invalid(f"{path}.fieldPath", field, f"error converting fieldPath: field label not supported: {field}")
    elif field not in allowed:
        errors.not_supported(f"{path}.fieldPath", field, allowed)


def _subscript(errors: Errors, base: str, key: str, field: str, path: str) -> None:
    if base == "metadata.annotations":
        qualified_name(errors, key.lower(), path)
    elif base == "metadata.labels":
        qualified_name(errors, key, path)
    elif base in _KNOWN_PATHS:
        errors.invalid(path, base, "does not support subscript")
    else:
        text = f"error converting fieldPath: field label does not support subscript: {field}"
        errors.invalid(f"{path}.fieldPath", field, text)


def resource_field_ref(errors: Errors, ref: Object, path: str, *, volume: bool) -> None:
    resource = ref.get("resource") or ""
    if volume and not ref.get("containerName"):
        errors.required(f"{path}.containerName")
    elif not resource:
        errors.required(f"{path}.resource")
    elif resource not in _RESOURCE_FIELDS and not _is_huge_page(resource):
        errors.not_supported(f"{path}.resource", resource, _RESOURCE_FIELDS)
    _divisor(errors, resource, ref.get("divisor"), path)


def _is_huge_page(resource: str) -> bool:
    return resource.startswith(("requests.hugepages-", "limits.hugepages-"))


def _divisor(errors: Errors, resource: str, divisor: Any, path: str) -> None:
    if divisor in (None, "0", 0):
        return
    where, kind = f"{path}.divisor", resource.partition(".")[2]
    try:
        text = str(parse(divisor))
    except QuantityError as error:
        errors.invalid(where, divisor, str(error))
        return
    if kind == "cpu":
        if text not in ("1m", "1"):
            errors.invalid(where, resource, "only divisor's values 1m and 1 are supported with the cpu resource")
        return
    shown = {"memory": "memory", "ephemeral-storage": "local ephemeral storage"}.get(kind)
    if shown is None and kind.startswith("hugepages-"):
        shown = "hugepages"
    if shown and text not in _BYTE_DIVISORS:
        listed = ", ".join(_BYTE_DIVISORS)
        errors.invalid(where, resource, f"only divisor's values {listed} are supported with the {shown} resource")
