"""Laws of field sets and of applying: sets behave as sets of paths, and who applies what is there changes nothing."""

from __future__ import annotations

import copy
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.test_patches import PODS

from wherry.api.schema.shapes import shape_of
from wherry.machinery.fieldsets import sets
from wherry.machinery.fieldsets.applying import apply
from wherry.machinery.fieldsets.comparing import compare
from wherry.machinery.fieldsets.fields import fields_of
from wherry.machinery.fieldsets.managers import APPLY, UPDATE, Change, Entry, Managed, Versioned, update
from wherry.machinery.fieldsets.merging import merge
from wherry.machinery.fieldsets.removing import extract, remove
from wherry.machinery.fieldsets.shape import Map

_FOUND = shape_of("v1", "Pod")
assert _FOUND is not None
SHAPE: Map = _FOUND
ELEMENTS = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"y"'])
PATHS = st.frozensets(st.lists(ELEMENTS, min_size=1, max_size=3).map(tuple), max_size=6)
TYPES = {"apiVersion": "v1", "kind": "Pod"}
OBJECTS = PODS.map(lambda obj: {**TYPES, **obj})


def _solid(value: Any) -> Any:
    """Without empty lists and maps: those are no field of their own where there are parts."""
    if isinstance(value, dict):
        return {key: inner for key, item in value.items() if (inner := _solid(item)) not in ({}, [])}
    return [_solid(item) for item in value] if isinstance(value, list) else value


SOLID = OBJECTS.map(_solid)


def members(tree: sets.Tree) -> set[sets.Path]:
    return set(sets.paths(tree))


def convert(obj: Any, api_version: str) -> Versioned:
    return Versioned(SHAPE, obj)


def keep(tree: sets.Tree) -> sets.Tree:
    return tree


@given(PATHS, PATHS)
def test_trees_behave_as_sets_of_paths(one: frozenset[sets.Path], two: frozenset[sets.Path]) -> None:
    a, b = sets.of_paths(one), sets.of_paths(two)
    assert members(a) == one
    assert members(sets.union(a, b)) == one | two
    assert members(sets.intersection(a, b)) == one & two
    assert members(sets.difference(a, b)) == one - two
    assert sets.overlap(a, b) == bool(one & two)
    below = {path for path in one if any(path[: len(each)] == each for each in two)}
    assert members(sets.recursive_difference(a, b)) == one - below


@given(PATHS, PATHS)
def test_results_are_in_their_one_form(one: frozenset[sets.Path], two: frozenset[sets.Path]) -> None:
    a, b = sets.of_paths(one), sets.of_paths(two)
    for tree in (sets.union(a, b), sets.intersection(a, b), sets.difference(a, b), sets.recursive_difference(a, b)):
        assert orjson.dumps(tree) == orjson.dumps(sets.of_paths(members(tree)))
        assert orjson.dumps(sets.parse(orjson.loads(orjson.dumps(tree)))) == orjson.dumps(tree)
    assert a == sets.of_paths(one)


@given(OBJECTS, OBJECTS)
def test_comparing_backwards_exchanges_what_came_and_what_went(old: Any, new: Any) -> None:
    there, back = compare(SHAPE, old, new), compare(SHAPE, new, old)
    assert members(there.removed) <= members(back.changed)
    assert members(back.removed) <= members(there.changed)
    assert not compare(SHAPE, old, copy.deepcopy(old))


@given(OBJECTS, OBJECTS)
def test_merging_takes_all_that_is_applied_and_changes_neither(live: Any, applied: Any) -> None:
    before = orjson.dumps([live, applied])
    merged = merge(SHAPE, live, applied)
    assert orjson.dumps([live, applied]) == before
    assert merge(SHAPE, merged, applied) == merged
    assert not compare(SHAPE, merged, applied).changed


@given(OBJECTS)
def test_applying_what_was_extracted_is_no_change(obj: Any) -> None:
    owned = fields_of(SHAPE, obj)
    assert merge(SHAPE, obj, {**TYPES, **extract(SHAPE, obj, owned)}) == obj


@given(OBJECTS, OBJECTS)
def test_what_is_removed_is_no_longer_there(obj: Any, other: Any) -> None:
    gone = sets.difference(fields_of(SHAPE, other), sets.of_paths([("f:apiVersion",), ("f:kind",)]))
    left = remove(SHAPE, obj, gone)
    assert left["kind"] == "Pod"
    # An empty map that is left where all its fields were is a field of its own.
    there = {path for path in members(fields_of(SHAPE, left)) if not _stands_null(left, path)}
    assert not there & members(gone)


def _stands_null(value: Any, path: sets.Path) -> bool:
    """Whether null is what stands there: what was emptied."""
    for element in path:
        if not element.startswith("f:") or not isinstance(value, dict):
            return False
        value = value.get(element[2:])
    return value is None


def applied(live: Any, config: Any, managed: Managed, manager: str, *, force: bool) -> tuple[Any, Managed]:
    actor = Entry(manager, APPLY, "v1", {})
    result = apply(SHAPE, live, config, managed, actor, convert=convert, keep=keep, force=force)
    return result.obj, result.managed


@settings(max_examples=50)
@given(SOLID, SOLID, SOLID)
def test_by_force_one_has_ones_way_and_again_changes_nothing(first: Any, second: Any, third: Any) -> None:
    live, managed = applied({**TYPES}, first, {}, "one", force=True)
    live, managed = applied(live, second, managed, "two", force=True)
    live, managed = applied(live, third, managed, "one", force=True)
    assert not compare(SHAPE, live, third).changed
    again, still = applied(live, third, managed, "one", force=False)
    assert not compare(SHAPE, live, again)
    assert still == managed


@given(OBJECTS, OBJECTS)
def test_a_change_belongs_to_who_made_it_and_to_nobody_else(old: Any, new: Any) -> None:
    maker = Entry("maker", UPDATE, "v1", SHAPE.filled(old) or {})
    managed = {maker.identity: maker} if maker.fields else {}
    change = Change(SHAPE, old, new, api_version="v1", convert=convert, keep=keep)
    after = update(managed, change, Entry("changer", UPDATE, "v1", {}))
    mine = {entry.manager: members(entry.fields) for entry in after.values()}
    changed = members(change.here.changed)
    assert mine.get("changer", set()) == changed
    assert not mine.get("maker", set()) & (changed | members(change.here.removed))
