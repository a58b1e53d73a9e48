"""Comparing, merging, removing and checking by shape, on the shapes of built-in kinds."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.api.schema.shapes import shape_of
from wherry.machinery.fieldsets import sets
from wherry.machinery.fieldsets.checking import problems
from wherry.machinery.fieldsets.comparing import compare
from wherry.machinery.fieldsets.fields import fields_of, with_structs
from wherry.machinery.fieldsets.merging import merge
from wherry.machinery.fieldsets.removing import extract, remove
from wherry.machinery.fieldsets.shape import DEDUCED, UNTYPED, Map


def shape(api_version: str, kind: str) -> Map:
    found = shape_of(api_version, kind)
    assert found is not None
    return found


POD = shape("v1", "Pod")


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": list(containers), **spec},
    }


def named(name: str, **rest: Any) -> dict[str, Any]:
    return {"name": name, **rest}


def test_a_changed_value_is_the_one_field() -> None:
    found = compare(POD, pod(named("a", image="x")), pod(named("a", image="y")))
    assert found.changed == {"f:spec": {"f:containers": {'k:{"name":"a"}': {"f:image": {}}}}}
    assert found.removed == {}


def test_a_new_map_is_added_with_its_place_a_new_key_without() -> None:
    bare, labelled, more = ({"metadata": metadata} for metadata in (
        {}, {"labels": {"a": "1"}}, {"labels": {"a": "1", "b": "2"}}))  # fmt: skip
    assert compare(POD, bare, labelled).changed == {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}}
    assert compare(POD, labelled, more).changed == {"f:metadata": {"f:labels": {"f:b": {}}}}
    assert compare(POD, labelled, bare).removed == {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}}


def test_empty_and_null_are_not_the_same() -> None:
    empty, null = {"metadata": {"labels": {}}}, {"metadata": {"labels": None}}
    assert compare(POD, null, empty).changed == {"f:metadata": {"f:labels": {}}}


def test_items_that_are_there_twice_count_as_one() -> None:
    twice = pod(named("a", env=[named("X", value="1"), named("X", value="2")]))
    once = pod(named("a", env=[named("X", value="1")]))
    items = ("f:spec", "f:containers", 'k:{"name":"a"}', "f:env", 'k:{"name":"X"}')
    added = compare(POD, once, twice)
    assert sets.has(added.changed, items)
    assert sets.has(added.removed, (*items, "f:value"))
    assert compare(POD, twice, once).removed == sets.of_paths([items])


def test_open_maps_have_fields_and_open_lists_are_one() -> None:
    kind = Map(dict, rest=DEDUCED)
    found = compare(kind, {"a": {"b": 1, "c": [1]}}, {"a": {"b": 2, "c": [1, 2]}})
    assert found.changed == {"f:a": {"f:b": {}, "f:c": {}}}
    whole = Map(dict, rest=UNTYPED)
    assert compare(whole, {"a": {"b": 1}}, {"a": {"b": 2}}).changed == {"f:a": {}}


def test_a_value_of_another_type_goes_and_comes() -> None:
    kind = Map(dict, rest=DEDUCED)
    found = compare(kind, {"a": {"b": 1}}, {"a": "text"})
    assert found.removed == {"f:a": {"f:b": {}}}
    assert found.changed == {"f:a": {}}


def test_lists_merge_in_the_order_of_what_is_applied() -> None:
    live = pod(*map(named, "abcd"))
    applied = pod(named("d", image="new"), named("x"), named("b"))
    merged = merge(POD, live, applied)
    assert [each["name"] for each in merged["spec"]["containers"]] == ["a", "c", "d", "x", "b"]
    assert merged["spec"]["containers"][2] == {"name": "d", "image": "new"}
    assert [each["name"] for each in live["spec"]["containers"]] == list("abcd")


def test_a_null_in_a_configuration_takes_no_map_away() -> None:
    live = {"metadata": {"labels": {"a": "1"}, "generateName": "x"}}
    assert merge(POD, live, {"metadata": {"labels": None, "generateName": None}}) == {
        "metadata": {"labels": {"a": "1"}, "generateName": None}
    }


def test_fields_are_removed_with_what_they_empty_left_null() -> None:
    value = pod(named("a", image="x"), named("b"), nodeName="n")
    gone = sets.of_paths([
        ("f:spec", "f:nodeName"),
        ("f:spec", "f:containers", 'k:{"name":"b"}'),
        ("f:spec", "f:containers", 'k:{"name":"a"}', "f:image"),
    ])  # fmt: skip
    assert remove(POD, value, gone)["spec"] == {"containers": [{"name": "a"}]}
    everything = sets.of_paths([("f:metadata", "f:name")])
    assert remove(POD, {"metadata": {"name": "p"}, "kind": "Pod"}, everything) == {"metadata": None, "kind": "Pod"}


def test_extracting_gives_what_is_owned_with_the_keys_of_items() -> None:
    value = pod(named("a", image="x", tty=True), named("b"), nodeName="n")
    owned = sets.of_paths([("f:spec", "f:containers", 'k:{"name":"a"}', "f:image")])
    assert extract(POD, value, owned) == {"spec": {"containers": [{"name": "a", "image": "x"}]}}


def test_named_fields_above_a_path_count_with_it() -> None:
    tree = sets.of_paths([("f:metadata", "f:labels", "f:a"), ("f:spec", "f:containers", 'k:{"name":"a"}', "f:image")])
    assert list(sets.paths(with_structs(POD, tree))) == [
        ("f:metadata",),
        ("f:spec",),
        ("f:metadata", "f:labels"),
        ("f:metadata", "f:labels", "f:a"),
        ("f:spec", "f:containers"),
        ("f:spec", "f:containers", 'k:{"name":"a"}', "f:image"),
    ]


def test_a_configuration_owns_items_but_no_structs() -> None:
    config = pod(named("a", resources={"limits": {"cpu": "1"}}, env=[]), tolerations=[{"key": "x"}])
    assert fields_of(POD, {"spec": config["spec"]}) == {
        "f:spec": {
            "f:containers": {'k:{"name":"a"}': {".": {}, "f:name": {}, "f:resources": {"f:limits": {"f:cpu": {}}}}},
            "f:tolerations": {},
        }
    }


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (pod(named("a")), ""),
        (pod(named("a", image=None)), ""),
        (pod(named("a"), named("a")), '.spec.containers: duplicate entries for key [name="a"]'),
        (pod({"image": "x"}), ".spec.containers: element 0: associative list with keys has an element that omits all"
                              ' key fields ["name"] (and doesn\'t have default values for any key fields)'),
        (pod(hostNetwork="yes"), ".spec.hostNetwork: expected boolean, got &{yes}"),
        (pod(nodeName=5), ".spec.nodeName: expected string, got &value.valueUnstructured{Value:5}"),
        (pod(priority="x"), ".spec.priority: expected numeric (int or float), got string"),
        (pod(nodeSelector=[]), ".spec.nodeSelector: expected map, got &{[]}"),
        (pod(tolerations={}), ".spec.tolerations: expected list, got &{map[]}"),
        (pod(named("a", x=1), y=2), 'errors:\n  .spec.containers[name="a"].x: field not declared in schema\n'
                                    "  .spec.y: field not declared in schema"),
    ],
)  # fmt: skip
def test_configurations_are_checked_in_upstreams_words(value: Any, problem: str) -> None:
    assert problems(POD, value) == problem


def test_quantities_and_ports_may_be_numbers_or_text() -> None:
    for cpu in (1, "1", 0.5):
        assert problems(POD, pod(named("a", resources={"limits": {"cpu": cpu}}))) == ""
