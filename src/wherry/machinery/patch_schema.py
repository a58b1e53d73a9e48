"""What strategic merge patches need to know of a kind, their directives, and their errors.

Source: "Strategic Merge Patch" in the Kubernetes documentation; k8s.io/apimachinery/pkg/util/strategicpatch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

PATCH: Final = "$patch"
RETAIN_KEYS: Final = "$retainKeys"
SET_ORDER: Final = "$setElementOrder/"
DELETE_FROM: Final = "$deleteFromPrimitiveList/"

BAD_RETAIN_KEYS: Final = "invalid patch format of retainKeys"
BAD_SET_ORDER: Final = "invalid patch format of setElementOrder list"


class StrategicPatchError(ValueError):
    """The patch cannot be applied; the message is upstream's."""


@dataclass(frozen=True, slots=True)
class PatchField:
    """How one field is patched. `inside` describes its value, the items of a list, or the values of a map."""

    inside: PatchSchema
    merge: bool = False
    """`x-kubernetes-patch-strategy` has `merge`: a list is merged, not replaced."""
    replace: bool = False
    """It has `replace`: a map is replaced, not merged."""
    retain_keys: bool = False
    merge_key: str = ""
    list_type: str = ""
    """`atomic`, `set` or `map` (then with `map_keys`): how server-side apply tells the items of a list apart."""
    map_keys: tuple[str, ...] = ()
    atomic: bool = False
    """A map that server-side apply owns as a whole."""


class PatchSchema(Protocol):
    """A struct, or a map with keys of the user's."""

    def field(self, name: str) -> PatchField:
        """Raises `StrategicPatchError` when there is no such field."""


def no_merge_key(item: Any, merge_key: str) -> StrategicPatchError:
    return StrategicPatchError(f"map: {go_map(item)} does not contain declared merge key: {merge_key}")


def bad_directive(directive: Any, holder: Any) -> StrategicPatchError:
    return StrategicPatchError(f"unknown patch type: {directive} in map: {go_map(holder)}")


def bad_type(expected: str, value: Any) -> StrategicPatchError:
    kinds = {dict: "map[string]interface {}", list: "[]interface {}", str: "string", bool: "bool", int: "int64"}
    return StrategicPatchError(f"expected a {expected}, but received a {kinds.get(type(value), 'float64')}")


def go_map(value: Any) -> str:
    """A value as Go's `%v` prints it."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_map(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(go_map, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "<nil>", True: "true", False: "false"}[value]
    return str(value)
