"""Applying what a policy's expression gives, as server-side apply merges, but without anybody's ownership.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/smd.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wherry.api.types import Object
from wherry.apiserver.ownership.scope import shape_for
from wherry.apiserver.registry import Served
from wherry.machinery.fieldsets.checking import problems
from wherry.machinery.fieldsets.elements import shown
from wherry.machinery.fieldsets.merging import merge
from wherry.machinery.fieldsets.shape import ATOMIC, ItemError, List, Map, Node, settle
from wherry.policy.admission.conditions import Failed


def merged(served: Served, obj: Object, configuration: Object) -> Object:
    """The object with all that the configuration says; shares parts with both. Raises `Failed`."""
    shape = shape_for(served) if obj.get("kind") == served.kind else None
    if shape is None:
        raise Failed(f"failed to find the schema of {obj.get('apiVersion')}, Kind={obj.get('kind')}")
    applied = {"apiVersion": obj.get("apiVersion"), "kind": obj.get("kind"), **configuration}
    if wrong := problems(shape, applied):
        raise Failed(f"failed to convert patch object to typed object: {wrong}")
    try:
        if atomic := [shown(path) for path in _atomic(shape, applied, ())]:
            what = ", ".join(atomic)
            raise Failed(f"invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {what}")
        found: Object = merge(shape, obj, applied)
    except ItemError as error:
        raise Failed(f"invalid ApplyConfiguration: {error}") from error
    return found


def _atomic(node: Node | None, value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The places in a value that can only be replaced as a whole."""
    if node is None or not isinstance(value, dict | list):
        return
    found = settle(node, value)
    if isinstance(found, Map) and isinstance(value, dict):
        if found.atomic:
            yield path
            return
        for key, inner in value.items():
            yield from _atomic(found.at(key), inner, (*path, f"f:{key}"))
    elif isinstance(found, List) and isinstance(value, list):
        if found.kind == ATOMIC:
            yield path
            return
        for item in value:
            yield from _atomic(found.item, item, (*path, found.element(item)))
