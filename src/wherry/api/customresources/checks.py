"""OpenAPI validation of values, compiled once per schema, with the words of kube-apiserver.

    spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"

On updates values that did not change are not judged again (ratcheting, KEP-4008): a check is told the `old` value where
the two can be matched. Source: k8s.io/kube-openapi/pkg/validation; k8s.io/apiextensions-apiserver/pkg/apiserver/validation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from wherry.api.customresources.logic import LOGIC
from wherry.api.customresources.scalar_checks import number_checks, string_checks
from wherry.api.customresources.structural import INT_OR_STRING, LIST_MAP_KEYS, LIST_TYPE, Schema, path_of
from wherry.api.validation.errors import Errors, ErrorType, FieldError

MISSING: Any = object()
"""There is no old value, or none that corresponds."""

_KINDS: dict[type, str] = {
    str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array", type(None): "null",
}  # fmt: skip
Inner = Callable[[Any, str, Errors, Any], None]


class Check:
    """The compiled check of one schema: call it with a value, its path, where errors go, and the old value."""

    __slots__ = ("_enum", "_list", "_logic", "_nullable", "_number", "_object", "_string", "_types")

    def __init__(self, schema: Schema) -> None:
        kind = schema.get("type")
        self._types: tuple[str, ...] = ("integer", "string") if schema.get(INT_OR_STRING) else (kind,) if kind else ()
        self._nullable = bool(schema.get("nullable"))
        self._enum: list[Any] | None = schema.get("enum")
        self._logic = [make(schema[key], Check) for key, make in LOGIC.items() if schema.get(key)]
        self._string = string_checks(schema)
        self._number = number_checks(schema)
        self._list = _ListCheck(schema)
        self._object = _ObjectCheck(schema)

    def __call__(self, value: Any, path: str, errors: Errors, old: Any = MISSING) -> None:
        if old is not MISSING and value == old and value.__class__ is old.__class__:
            return
        found = value.__class__
        if not self._fits(value, found):
            errors.append(_wrong_type(path, _KINDS[found], ",".join(self._types)))
        if value is None:
            self._check_enum(value, path, errors)
            return
        for logic in self._logic:
            logic(value, path, errors, old)
        if found is str:
            for check in self._string:
                check(value, path, errors)
        elif found is int or found is float:
            for check in self._number:
                check(value, path, errors)
        elif found is list:
            self._list(value, path, errors, old)
        self._check_enum(value, path, errors)
        if found is dict:
            self._object(value, path, errors, old)

    def _fits(self, value: Any, found: type) -> bool:
        types = self._types
        if value is None:
            return self._nullable or not types
        if not types or _KINDS[found] in types:
            return True
        if found is int:
            return "number" in types
        return found is float and "integer" in types and value.is_integer()

    def _check_enum(self, value: Any, path: str, errors: Errors) -> None:
        enum = self._enum
        if enum is None or any(value == each and value.__class__ is each.__class__ for each in enum):
            return
        errors.not_supported(path, value, [e if isinstance(e, str) else orjson.dumps(e).decode() for e in enum])


def _wrong_type(path: str, found: str, wanted: str) -> FieldError:
    message = f'{path} in body must be of type {wanted}: "{found}"'
    return FieldError(ErrorType.TYPE_INVALID, path or "<nil>", found, message)


class _ListCheck:
    """`items`, `minItems`, `maxItems`."""

    __slots__ = ("_items", "_keys", "_least", "_most")

    def __init__(self, schema: Schema) -> None:
        items = schema.get("items")
        self._items = Check(items) if isinstance(items, dict) else None
        self._least, self._most = schema.get("minItems"), schema.get("maxItems")
        self._keys: tuple[str, ...] = tuple(schema.get(LIST_MAP_KEYS) or ()) if schema.get(LIST_TYPE) == "map" else ()

    def __call__(self, value: list[Any], path: str, errors: Errors, old: Any) -> None:
        if self._items is not None:
            before = self._by_key(old)
            for index, item in enumerate(value):
                self._items(
                    item, f"{path}[{index}]", errors, before.get(self._key(item), MISSING) if before else MISSING
                )
        if self._least is not None and len(value) < self._least:
            errors.invalid(path, len(value), f"{path} in body should have at least {self._least} items")
        if self._most is not None and len(value) > self._most:
            errors.too_many(path, len(value), self._most)

    def _by_key(self, old: Any) -> dict[bytes, Any]:
        if not self._keys or old.__class__ is not list:
            return {}
        return {self._key(item): item for item in old}

    def _key(self, item: Any) -> bytes:
        return orjson.dumps([item.get(key) for key in self._keys]) if item.__class__ is dict else b""


class _ObjectCheck:
    """`properties`, `additionalProperties`, `required`, `minProperties`, `maxProperties`."""

    __slots__ = ("_additional", "_closed", "_least", "_most", "_properties", "_required")

    def __init__(self, schema: Schema) -> None:
        self._properties = {name: Check(inner) for name, inner in (schema.get("properties") or {}).items()}
        additional = schema.get("additionalProperties")
        self._additional = Check(additional) if isinstance(additional, dict) else None
        self._closed = additional is False
        self._required: Iterable[str] = schema.get("required") or ()
        self._least, self._most = schema.get("minProperties"), schema.get("maxProperties")

    def __call__(self, value: dict[str, Any], path: str, errors: Errors, old: Any) -> None:
        if self._least is not None and len(value) < self._least:
            errors.invalid(path, len(value), f"{path} in body should have at least {self._least} properties")
        if self._most is not None and len(value) > self._most:
            errors.too_many(path, len(value), self._most)
        for name in self._required:
            if name not in value:
                errors.required(path_of(path, name))
        known, before = self._properties, old if old.__class__ is dict else None
        for name, item in value.items():
            check = known.get(name) or self._additional
            if check is not None:
                check(item, path_of(path, name), errors, before.get(name, MISSING) if before is not None else MISSING)
            elif self._closed:
                here = path_of(path, name)
                errors.invalid(here, name, f"{here} in body is a forbidden property")
