"""Laws of patches: a patch made from two objects leads from the one to the other, and changes neither."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wherry.api.schema.patching import patch_schema
from wherry.machinery import jsonpatch, mergepatch, strategic
from wherry.machinery.strategic_diff import three_way, two_way

SCALARS = st.one_of(st.booleans(), st.integers(0, 3), st.sampled_from(["", "a", "b"]))
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)
TEXT = st.sampled_from(["x", "y", "z"])


def named(key: str, keys: st.SearchStrategy[Any], rest: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    item = st.fixed_dictionaries({key: keys}, optional=rest)
    return st.lists(item, max_size=4, unique_by=lambda found: found[key])


CONTAINERS = named(
    "name",
    TEXT,
    {
        "image": TEXT,
        "args": st.lists(TEXT, max_size=2),
        "env": named("name", TEXT, {"value": TEXT}),
        "ports": named("containerPort", st.integers(1, 3), {"name": TEXT}),
    },
)
VOLUMES = named("name", TEXT, {"emptyDir": st.just({}), "hostPath": st.fixed_dictionaries({"path": TEXT})})
PODS = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries(
            {},
            optional={
                "labels": st.dictionaries(TEXT, TEXT, max_size=3),
                "finalizers": st.lists(TEXT, max_size=3, unique=True),
            },
        ),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "containers": CONTAINERS,
                "volumes": VOLUMES,
                "nodeName": TEXT,
                "nodeSelector": st.dictionaries(TEXT, TEXT),
            },
        ),
    },
)
POD = patch_schema("v1", "Pod")


def without_empty(value: Any) -> Any:
    """Patches leave lists and maps empty where they were emptied one by one."""
    if isinstance(value, dict):
        parts = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in parts.items() if item not in ({}, [])}
    return [without_empty(item) for item in value] if isinstance(value, list) else value


@given(OBJECTS, OBJECTS)
def test_merge_patch_there(before: Any, after: Any) -> None:
    unchanged = copy.deepcopy(before)
    assert mergepatch.same(mergepatch.apply(before, mergepatch.create(before, after)), after)
    assert before == unchanged


@given(OBJECTS)
def test_the_patch_to_itself_is_empty(obj: Any) -> None:
    assert mergepatch.create(obj, obj) == {}
    assert mergepatch.apply(obj, {}) == obj


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_applied_twice_is_as_once(document: Any, patch: Any) -> None:
    once = mergepatch.apply(document, patch)
    assert mergepatch.apply(once, patch) == once


@given(PODS, PODS)
def test_strategic_patch_there(before: Any, after: Any) -> None:
    assert POD is not None
    unchanged = copy.deepcopy(before), copy.deepcopy(after)
    patch = two_way(before, after, POD)
    assert without_empty(strategic.apply(before, patch, POD)) == without_empty(after)
    assert (before, after) == unchanged


@given(PODS)
def test_the_strategic_patch_to_itself_is_empty(pod: Any) -> None:
    assert POD is not None
    assert two_way(pod, pod, POD) == {}
    assert three_way(pod, pod, pod, POD) == {}


@given(PODS, PODS)
def test_apply_without_others_is_two_way(last: Any, modified: Any) -> None:
    assert POD is not None
    patch = three_way(last, modified, last, POD)
    assert without_empty(strategic.apply(last, patch, POD)) == without_empty(modified)


@given(PODS, PODS, PODS)
def test_apply_again_changes_nothing(last: Any, modified: Any, current: Any) -> None:
    assert POD is not None
    once = strategic.apply(current, three_way(last, modified, current, POD), POD)
    again = strategic.apply(once, three_way(modified, modified, once, POD), POD)
    assert without_empty(again) == without_empty(once)


@given(OBJECTS, JSON)
def test_json_patch_add_then_remove(document: Any, value: Any) -> None:
    added = jsonpatch.apply(document, [{"op": "add", "path": "/new", "value": value}])
    assert jsonpatch.apply(added, [{"op": "test", "path": "/new", "value": value}]) == added
    assert jsonpatch.apply(added, [{"op": "remove", "path": "/new"}]) == document
