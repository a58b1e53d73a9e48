"""What a mutating policy makes of an object: the values of its expressions as operations, or as an object to merge.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherry.api.types import Object
from wherry.machinery import jsonpatch
from wherry.machinery.cel.values import Duration, Optional, Struct, Timestamp, Uint, from_key, type_name
from wherry.policy.admission.compiled import Mutation
from wherry.policy.admission.conditions import Budget, Failed


def operations_of(mutation: Mutation, bindings: Mapping[str, Any], budget: Budget) -> list[Object]:
    """The JSON patch that an expression gives. Raises `Failed`, `OutOfBudget`."""
    found = mutation.expression.value(bindings, budget)
    if not isinstance(found, list):
        raise Failed(
            f"type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch, got {type_name(found)}"
        )
    operations: list[Object] = []
    for each in found:
        if not isinstance(each, Struct) or each.type_name != "JSONPatch":
            raise Failed(
                f"type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch, got {type_name(each)}"
            )
        operations.append({key: plain(value) for key, value in each.items()})
    return operations


def patched(obj: Object, operations: list[Object]) -> Object:
    """Raises `Failed`."""
    try:
        after = jsonpatch.apply(obj, jsonpatch.check(operations))
    except jsonpatch.JsonPatchError as error:
        raise Failed(f"JSON Patch: {error}") from error
    if not isinstance(after, dict):
        raise Failed("JSON Patch: the result is no object")
    return after


def configuration_of(mutation: Mutation, bindings: Mapping[str, Any], budget: Budget) -> Object:
    """The object to be merged that an expression gives. Raises `Failed`, `OutOfBudget`."""
    found = mutation.expression.value(bindings, budget)
    if not isinstance(found, Struct) or found.type_name != "Object":
        raise Failed(f"type mismatch: ApplyConfiguration.expression should evaluate to Object, got {type_name(found)}")
    configuration: Object = plain(found)
    return configuration


def plain(value: Any) -> Any:
    """A value as JSON has it. Raises `Failed` for what has no form there."""
    if isinstance(value, Mapping):
        return {str(from_key(key)): plain(inner) for key, inner in value.items() if not _absent(inner)}
    if isinstance(value, list):
        return [plain(inner) for inner in value if not _absent(inner)]
    if isinstance(value, Optional):
        return plain(value.value)
    if isinstance(value, Uint):
        return int(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Timestamp | Duration | bytes):
        raise Failed(f"a value of type {type_name(value)} cannot be part of an object; make a string of it")
    raise Failed(f"a value of type {type_name(value)} cannot be part of an object")


def _absent(value: Any) -> bool:
    return isinstance(value, Optional) and not value.present
