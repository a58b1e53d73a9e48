"""Making strategic merge patches: from one object to another, and the three-way patch of `kubectl apply`.

Source: strategicpatch.CreateTwoWayMergePatch and CreateThreeWayMergePatch. Laws (tests/laws): applying
`two_way(before, after)` to `before` gives `after`, up to the order of merged lists.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from wherry.machinery.list_order import identity, in_order
from wherry.machinery.mergepatch import same
from wherry.machinery.patch_schema import DELETE_FROM, PATCH, RETAIN_KEYS, SET_ORDER, PatchField, PatchSchema
from wherry.machinery.strategic import Json, combine


@dataclass(frozen=True, slots=True)
class _Options:
    changes: bool = True
    deletions: bool = True
    retain_keys: bool = False


def two_way(before: Json, after: Json, schema: PatchSchema) -> Json:
    """The patch that leads from `before` to `after`. Raises `StrategicPatchError`."""
    return _maps(before, after, schema, _Options())


def three_way(last_applied: Json, modified: Json, current: Json, schema: PatchSchema) -> Json:
    """The patch that brings `current` to `modified`.

    It removes what `last_applied` had and `modified` no longer has, and leaves alone what others added.
    """
    changes = _maps(current, modified, schema, _Options(deletions=False))
    deletions = _maps(last_applied, modified, schema, _Options(changes=False))
    return combine(deletions, changes, schema)


def _maps(before: Json, after: Json, schema: PatchSchema, options: _Options) -> Json:
    patch: Json = {}
    for key, value in after.items():
        if key not in before or before[key].__class__ is not value.__class__:
            if options.changes:
                patch[key] = value
        elif not same(before[key], value):
            _changed(patch, key, before[key], value, schema, options)
    if options.deletions:
        patch.update({key: None for key in before if key not in after})
    if options.retain_keys and (patch or any(key not in before for key in after)):
        patch[RETAIN_KEYS] = sorted(after)
    return patch


def _changed(patch: Json, key: str, before: Any, after: Any, schema: PatchSchema, options: _Options) -> None:
    """Add to the patch what changed in one field."""
    if isinstance(after, dict):
        field = schema.field(key)
        if not field.replace:
            nested = _maps(before, after, field.inside, replace(options, retain_keys=field.retain_keys))
            patch.update({key: nested} if nested else {})
            return
    elif isinstance(after, list):
        field = schema.field(key)
        if field.merge:
            _lists(patch, key, before, after, field, replace(options, retain_keys=field.retain_keys))
            return
    if options.changes:
        patch[key] = after


def _lists(patch: Json, key: str, before: list[Any], after: list[Any], field: PatchField, options: _Options) -> None:
    if not before:
        if options.changes:
            patch[key] = after
    elif all(isinstance(item, dict) for item in (*before, *after)):
        _lists_of_maps(patch, key, before, after, field, options)
    else:
        _lists_of_scalars(patch, key, before, after, options)


def _lists_of_maps(
    patch: Json, key: str, before: list[Any], after: list[Any], field: PatchField, options: _Options
) -> None:
    name = identity(field.merge_key)
    old, new = {name(item): item for item in before}, {name(item): item for item in after}
    changes: list[Json] = []
    for identifier, item in new.items():
        if identifier not in old:
            changes += [item] if options.changes else []
        elif difference := _maps(old[identifier], item, field.inside, options):
            changes.append({**difference, field.merge_key: item[field.merge_key]})
    ranks = {identifier: index for index, identifier in enumerate(new)}
    changes = in_order(changes, ranks, name)
    if options.deletions:
        changes += [
            {field.merge_key: item[field.merge_key], PATCH: "delete"} for known, item in old.items() if known not in new
        ]
    same_order = list(old) == list(new)
    if changes:
        patch[key] = changes
    if changes or (options.changes and not same_order):
        patch[SET_ORDER + key] = [{field.merge_key: item[field.merge_key]} for item in after]


def _lists_of_scalars(patch: Json, key: str, before: list[Any], after: list[Any], options: _Options) -> None:
    name = identity("")
    old, new = {name(item): item for item in before}, {name(item): item for item in after}
    added = [item for known, item in new.items() if known not in old] if options.changes else []
    gone = [item for known, item in old.items() if known not in new] if options.deletions else []
    if added:
        patch[key] = added
    if gone:
        patch[DELETE_FROM + key] = gone
    if gone or options.changes:
        patch[SET_ORDER + key] = after
