"""The algebra of field sets, on trees of FieldsV1."""

from __future__ import annotations

import pytest

from wherry.machinery.fieldsets import sets
from wherry.machinery.fieldsets.elements import ElementError, in_order, shown

A = {"f:a": {".": {}, "f:b": {}, "f:c": {}}, "f:d": {}}


def test_a_place_and_what_is_below_it_are_different_paths() -> None:
    assert sets.has(A, ("f:a",))
    assert sets.has(A, ("f:a", "f:b"))
    assert not sets.has({"f:a": {"f:b": {}}}, ("f:a",))
    assert not sets.has(A, ())
    assert list(sets.paths(A)) == [("f:a",), ("f:d",), ("f:a", "f:b"), ("f:a", "f:c")]


def test_union_has_the_paths_of_both() -> None:
    assert sets.union({"f:a": {}}, {"f:a": {"f:b": {}}}) == {"f:a": {".": {}, "f:b": {}}}
    assert sets.union({"f:a": {"f:b": {}}}, {"f:a": {"f:c": {}}}) == {"f:a": {"f:b": {}, "f:c": {}}}
    assert sets.union(A, {"f:a": {}}) is A


def test_difference_leaves_what_is_below() -> None:
    assert sets.difference(A, {"f:a": {}}) == {"f:a": {"f:b": {}, "f:c": {}}, "f:d": {}}
    assert sets.difference(A, {"f:d": {}}) == {"f:a": A["f:a"]}
    assert sets.difference(A, {"f:x": {}}) is A
    assert sets.difference(A, A) == {}


def test_recursive_difference_takes_what_is_below() -> None:
    assert sets.recursive_difference(A, {"f:a": {}}) == {"f:d": {}}
    assert sets.recursive_difference(A, {"f:a": {"f:b": {}}}) == {"f:a": {".": {}, "f:c": {}}, "f:d": {}}


def test_intersection_has_the_paths_in_both() -> None:
    assert sets.intersection(A, {"f:a": {"f:b": {}}}) == {"f:a": {"f:b": {}}}
    assert sets.intersection(A, {"f:a": {}, "f:d": {"f:e": {}}}) == {"f:a": {}}
    assert sets.intersection(A, {"f:d": {}, **A}) is A


def test_overlap_is_a_path_in_common() -> None:
    assert sets.overlap(A, {"f:a": {"f:b": {}}})
    assert not sets.overlap({"f:a": {"f:b": {}}}, {"f:a": {}})


def test_only_below_keeps_what_starts_with_a_pattern() -> None:
    tree = {"f:spec": {"f:x": {"k:1": {"f:r": {}, "f:s": {}}}, "f:y": {}}, "f:status": {}}
    assert sets.only_below(tree, (("f:spec", "f:x", "*", "f:r"),)) == {"f:spec": {"f:x": {"k:1": {"f:r": {}}}}}
    assert sets.only_below(tree, (("f:status",),)) == {"f:status": {}}


def test_elements_sort_fields_before_keys_before_values_and_numbers_by_size() -> None:
    elements = ['v:"b"', 'k:{"port":443}', "f:z", ".", 'k:{"port":80}', "i:10", "i:9", "f:a", 'v:"a"', "v:2"]
    assert in_order(elements) == [
        ".", "f:a", "f:z", 'k:{"port":80}', 'k:{"port":443}', "v:2", 'v:"a"', 'v:"b"', "i:9", "i:10",
    ]  # fmt: skip


def test_paths_are_shown_as_upstream_shows_them() -> None:
    path = ("f:spec", "f:ports", 'k:{"containerPort":80,"protocol":"TCP"}', "f:name")
    assert shown(path) == '.spec.ports[containerPort=80,protocol="TCP"].name'
    assert shown(("f:finalizers", 'v:"a/b"')) == '.finalizers[="a/b"]'
    assert shown(("f:x", "i:3")) == ".x[3]"


def test_sets_from_outside_are_spelled_anew() -> None:
    given = {"f:b": {}, "f:a": {'k:{"z": 1, "a": 2}': {".": {}, "f:x": {}}}}
    assert list(sets.parse(given)) == ["f:a", "f:b"]
    assert sets.parse(given)["f:a"] == {'k:{"a":2,"z":1}': {".": {}, "f:x": {}}}


@pytest.mark.parametrize("wrong", [{"x": {}}, {"f:a": 1}, {"k:{": {}}, {"i:x": {}}, [], {"k:[1]": {}}])
def test_what_is_no_set_is_refused(wrong: object) -> None:
    with pytest.raises(ElementError):
        sets.parse(wrong)
