"""`allOf`, `anyOf`, `oneOf` and `not`: schemas put together.

Their errors name no field: upstream prints `<nil>` there, and the path inside the message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wherry.api.customresources.structural import Schema
from wherry.api.validation.errors import Errors

Inner = Callable[[Any, str, Errors, Any], None]
Make = Callable[[Schema], Inner]


def _note(errors: Errors, path: str, why: str) -> None:
    errors.invalid("<nil>", "", f'"{path}" must {why}')


def _count(errors: Errors) -> int:
    return len(errors)


def _tried(checks: list[Inner], value: Any, path: str, old: Any) -> list[Errors]:
    results = []
    for check in checks:
        found = Errors()
        check(value, path, found, old)
        results.append(found)
    return results


def _all_of(schemas: list[Schema], make: Make) -> Inner:
    checks = [make(schema) for schema in schemas]

    def check(value: Any, path: str, errors: Errors, old: Any) -> None:
        results = _tried(checks, value, path, old)
        failed = [found for found in results if found]
        for found in failed:
            errors.extend(found)
        if failed:
            none = ". None validated" if len(failed) == len(results) else ""
            _note(errors, path, f"validate all the schemas (allOf){none}")

    return check


def _any_of(schemas: list[Schema], make: Make) -> Inner:
    checks = [make(schema) for schema in schemas]

    def check(value: Any, path: str, errors: Errors, old: Any) -> None:
        results = _tried(checks, value, path, old)
        if all(results):
            _note(errors, path, "validate at least one schema (anyOf)")
            closest: Errors = min(results, key=_count)
            errors.extend(closest)

    return check


def _one_of(schemas: list[Schema], make: Make) -> Inner:
    checks = [make(schema) for schema in schemas]

    def check(value: Any, path: str, errors: Errors, old: Any) -> None:
        results = _tried(checks, value, path, old)
        valid = sum(not found for found in results)
        if valid == 1:
            return
        why = f"Found {valid} valid alternatives" if valid else "Found none valid"
        _note(errors, path, f"validate one and only one schema (oneOf). {why}")
        if not valid:
            closest: Errors = min(results, key=_count)
            errors.extend(closest)

    return check


def _not(schema: Schema, make: Make) -> Inner:
    inner = make(schema)

    def check(value: Any, path: str, errors: Errors, old: Any) -> None:
        found = Errors()
        inner(value, path, found, old)
        if not found:
            _note(errors, path, "not validate the schema (not)")

    return check


LOGIC: Mapping[str, Callable[[Any, Make], Inner]] = {
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
}
