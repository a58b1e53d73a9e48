"""Strategic merge patch: a merge patch that knows which lists are sets of named things.

`apply(original, patch, schema)` is what the API server does with `application/strategic-merge-patch+json`. Pure: the
inputs are never changed, and the result shares with them what stayed the same. Directives: `$patch: replace|delete`,
`$retainKeys`, `$setElementOrder/<list>`, `$deleteFromPrimitiveList/<list>`. Creating patches: `strategic_diff`.
Source: "Update API Objects in Place Using kubectl patch" in the Kubernetes documentation; strategicpatch.MergingMaps.
"""

from __future__ import annotations

from typing import Any

from wherry.machinery.list_order import arrange, identity
from wherry.machinery.mergepatch import same
from wherry.machinery.patch_schema import (
    BAD_RETAIN_KEYS,
    BAD_SET_ORDER,
    DELETE_FROM,
    PATCH,
    RETAIN_KEYS,
    SET_ORDER,
    PatchField,
    PatchSchema,
    StrategicPatchError,
    bad_directive,
    bad_type,
    no_merge_key,
)

Json = dict[str, Any]


def apply(original: Json, patch: Json, schema: PatchSchema) -> Json:
    """The object after the patch. Raises `StrategicPatchError`."""
    return _Merge(combine=False).maps(original, patch, schema)


def combine(first: Json, second: Json, schema: PatchSchema) -> Json:
    """One patch that does what `first` and then `second` would: directives and nulls are kept, not carried out."""
    return _Merge(combine=True).maps(first, second, schema)


class _Merge:
    """One way of merging; `combine` merges two patches."""

    def __init__(self, *, combine: bool) -> None:
        self._combine = combine

    def maps(self, original: Json, patch: Json, schema: PatchSchema) -> Json:
        if PATCH in patch:
            return _directed(patch)
        result = dict(original)
        rest = dict(patch)
        self._retain(result, rest)
        self._ordered_lists(result, rest, schema)
        for key, value in rest.items():
            if key.startswith(DELETE_FROM):
                self._delete_from(result, key, value)
            elif value is None:
                result.pop(key, None)
                if self._combine:
                    result[key] = None
            else:
                result[key] = self._value(result.get(key), value, key, schema)
        return result

    def _value(self, before: Any, value: Any, key: str, schema: PatchSchema) -> Any:
        if before.__class__ is not value.__class__:
            return value if self._combine else _undirected(value)
        if isinstance(value, dict):
            field = schema.field(key)
            return value if field.replace else self.maps(before, value, field.inside)
        if isinstance(value, list):
            return self._lists(before, value, schema.field(key))
        return value

    def _lists(self, before: list[Any], patch: list[Any], field: PatchField) -> list[Any]:
        if not field.merge:
            return patch
        if not before and not patch:
            return before
        if not _are_maps(before, patch):
            return arrange(_unique([*before, *patch]), patch, before, identity(""))
        if not field.merge_key:
            raise StrategicPatchError("cannot merge lists without merge key for type struct")
        kept, additions = _without_special(before, patch, field.merge_key)
        merged = self._items(kept, additions, field)
        return arrange(merged, additions, kept, identity(field.merge_key))

    def _items(self, before: list[Any], patch: list[Any], field: PatchField) -> list[Any]:
        key = identity(field.merge_key)
        merged = list(before)
        places: dict[Any, int] = {}
        for index, item in enumerate(merged):
            if isinstance(item, dict) and field.merge_key in item:
                places.setdefault(key(item), index)
        for item in patch:
            place = places.get(key(item))
            if place is None:
                places[key(item)] = len(merged)
                merged.append(item if self._combine else _undirected(item))
            else:
                merged[place] = self.maps(merged[place], item, field.inside)
        return merged

    def _retain(self, result: Json, patch: Json) -> None:
        """`$retainKeys`: whatever it does not name goes."""
        if RETAIN_KEYS not in patch:
            return
        names = patch.pop(RETAIN_KEYS)
        if self._combine:
            if not same(result.setdefault(RETAIN_KEYS, names), names):
                raise StrategicPatchError(BAD_RETAIN_KEYS)
            return
        if not isinstance(names, list):
            raise StrategicPatchError(BAD_RETAIN_KEYS)
        if any(
            value is not None and not key.startswith((DELETE_FROM, SET_ORDER)) and key not in names
            for key, value in patch.items()
        ):
            raise StrategicPatchError(BAD_RETAIN_KEYS)
        for key in [key for key in result if key not in names]:
            del result[key]

    def _delete_from(self, result: Json, key: str, value: Any) -> None:
        """`$deleteFromPrimitiveList/finalizers`: take these values out of the list."""
        name = key.removeprefix(DELETE_FROM)
        if self._combine:
            result[key] = value
        elif isinstance(result.get(name), list) and isinstance(value, list):
            gone = {(item.__class__, item) for item in value}
            result[name] = [item for item in result[name] if (item.__class__, item) not in gone]

    def _ordered_lists(self, result: Json, patch: Json, schema: PatchSchema) -> None:
        """`$setElementOrder/containers`: merge the list now, in the order that the directive gives."""
        for key in [key for key in patch if key.startswith(SET_ORDER)]:
            order = patch.pop(key)
            if not isinstance(order, list):
                raise bad_type("[]interface {}", order)
            if self._combine and not same(result.setdefault(key, order), order):
                raise StrategicPatchError(BAD_SET_ORDER)
            name = key.removeprefix(SET_ORDER)
            before, changes = result.get(name), patch.pop(name, None)
            for found in (before, changes):
                if found is not None and not isinstance(found, list):
                    raise bad_type("[]interface {}", found)
            field = schema.field(name)
            _check_order(changes or [], order, field.merge_key)
            if before is None and changes is None:
                continue
            if before is None:
                merged = changes if self._combine else _undirected(changes)
            else:
                merged = self._lists(before, changes, field) if changes is not None else before
            result[name] = arrange(merged or [], order, before or [], identity(field.merge_key))


def _directed(patch: Json) -> Json:
    """`$patch` in an object: it replaces or empties the whole."""
    if patch[PATCH] == "replace":
        return {key: value for key, value in patch.items() if key != PATCH}
    if patch[PATCH] == "delete":
        return {}
    raise bad_directive(patch[PATCH], patch)


def _without_special(before: list[Any], patch: list[Any], merge_key: str) -> tuple[list[Any], list[Any]]:
    """Carry out `$patch` in items of a list: `delete` removes its namesake, `replace` drops what was there."""
    additions = [item for item in patch if PATCH not in item]
    replaced = False
    for item in patch:
        directive = item.get(PATCH, "")
        if directive == "delete":
            if merge_key not in item:
                raise no_merge_key(item, merge_key)
            before = [found for found in before if not same(found.get(merge_key), item[merge_key])]
        elif directive == "replace":
            replaced = True
        elif directive == "merge":
            raise StrategicPatchError("merging lists cannot yet be specified in the patch")
        elif directive:
            raise bad_directive(directive, item)
    return (additions, []) if replaced else (before, additions)


def _check_order(changes: list[Any], order: list[Any], merge_key: str) -> None:
    """The patch's items must come in the order that the directive gives."""
    key = identity(merge_key)
    named = iter([key(item) for item in order])
    for item in changes:
        if isinstance(item, dict) and PATCH in item:
            continue
        wanted = key(item)
        if not any(wanted == found for found in named):
            raise StrategicPatchError(
                f"The order in patch list:\n{changes}\n doesn't match {SET_ORDER} list:\n{order}\n"
            )


def _are_maps(*lists: list[Any]) -> bool:
    """Whether the items are objects. Raises `StrategicPatchError` for a mixture or for lists of lists."""
    kinds = {item.__class__ for items in lists for item in items}
    if list in kinds:
        raise StrategicPatchError("lists of lists are not supported")
    if len(kinds) > 1:
        raise StrategicPatchError(f"list element types are not identical: {lists}")
    return kinds == {dict}


def _unique(items: list[Any]) -> list[Any]:
    return [item for _, item in {(item.__class__, item): (None, item) for item in items}.values()]


def _undirected(value: Any) -> Any:
    """A value that is wholly new: its nulls and directives have nothing to work on."""
    if isinstance(value, dict):
        return {
            key: _undirected(item)
            for key, item in value.items()
            if item is not None and key not in (PATCH, RETAIN_KEYS) and not key.startswith((SET_ORDER, DELETE_FROM))
        }
    if isinstance(value, list):
        return [_undirected(item) for item in value if not (isinstance(item, dict) and item.get(PATCH) == "delete")]
    return value
