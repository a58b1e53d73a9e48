"""What a schema does to an object: unknown fields, defaults, nulls, keys that must be unique."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.api.customresources import list_types
from wherry.api.customresources.defaulting import drop_nulls, fill, lacks
from wherry.api.customresources.pruning import prune
from wherry.api.customresources.structural import Node
from wherry.api.types import Object
from wherry.api.validation.errors import Errors

STRING: Object = {"type": "string"}


def obj(**properties: Object) -> Object:
    return {"type": "object", "properties": properties}


def pruned(schema: Object, value: Object) -> tuple[list[str], Object]:
    return prune(Node(schema), value), value


def test_unknown_fields_go_and_are_told_with_their_path() -> None:
    schema = obj(spec=obj(list={"type": "array", "items": obj(a=STRING)}))
    value = {"apiVersion": "v1", "kind": "K", "metadata": {"x": 1}, "spec": {"list": [{"a": "1", "b": 2}], "c": {}}}
    assert pruned(schema, value) == (
        ["spec.list[0].b", "spec.c"],
        {"apiVersion": "v1", "kind": "K", "metadata": {"x": 1}, "spec": {"list": [{"a": "1"}]}},
    )


def test_preserved_parts_keep_unknown_fields_but_known_ones_are_looked_into() -> None:
    spec = {**obj(known=obj(a=STRING)), "x-kubernetes-preserve-unknown-fields": True}
    value = {"spec": {"other": {"deep": 1}, "known": {"a": "1", "b": 2}}}
    assert pruned(obj(spec=spec), value) == (["spec.known.b"], {"spec": {"other": {"deep": 1}, "known": {"a": "1"}}})


def test_maps_keep_every_key_and_look_into_the_values() -> None:
    spec = {"type": "object", "additionalProperties": obj(a=STRING)}
    assert pruned(obj(spec=spec), {"spec": {"k": {"a": "1", "b": 1}}})[0] == ["spec.k.b"]


def test_embedded_objects_keep_what_every_object_has() -> None:
    embedded = {**obj(spec=obj()), "x-kubernetes-embedded-resource": True}
    value = {"pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"a": 1}, "b": 1}}
    assert pruned(obj(pod=embedded), value)[0] == ["pod.spec.a", "pod.b"]


@pytest.mark.parametrize(
    ("schema", "value", "filled"),
    [
        (obj(a={**STRING, "default": "x"}), {}, {"a": "x"}),
        (obj(a={**STRING, "default": "x"}), {"a": None}, {"a": "x"}),
        (obj(a={**STRING, "default": "x", "nullable": True}), {"a": None}, {"a": None}),
        (obj(a=obj(b={**STRING, "default": "x"})), {}, {}),
        (obj(a=obj(b={**STRING, "default": "x"})), {"a": {}}, {"a": {"b": "x"}}),
        (obj(a={**obj(b={**STRING, "default": "x"}), "default": {}}), {}, {"a": {"b": "x"}}),
        (obj(a={"type": "array", "items": obj(b={**STRING, "default": "x"})}), {"a": [{}]}, {"a": [{"b": "x"}]}),
        ({"type": "object", "additionalProperties": obj(b={"default": 1})}, {"k": {}}, {"k": {"b": 1}}),
    ],
)
def test_defaults_fill_what_is_left_out(schema: Object, value: Object, filled: Object) -> None:
    node = Node(schema)
    assert lacks(node, value) is (value != filled)
    fill(node, value)
    assert value == filled
    assert not lacks(node, value)


def test_a_default_is_never_shared_between_objects() -> None:
    node = Node(obj(a={"type": "array", "default": [1]}))
    first: dict[str, Any] = {}
    second: dict[str, Any] = {}
    fill(node, first)
    fill(node, second)
    first["a"].append(2)
    assert second == {"a": [1]}


def test_nulls_count_as_left_out_unless_they_are_allowed() -> None:
    value = {"a": None, "b": None, "c": {"d": None}, "unknown": None}
    drop_nulls(Node(obj(a=STRING, b={**STRING, "nullable": True}, c=obj(d=STRING))), value)
    assert value == {"b": None, "c": {}, "unknown": None}


def repeated(schema: Object, value: Any) -> list[str]:
    errors = Errors()
    list_types.check(errors, Node(schema), value, "spec")
    return [str(error) for error in errors]


def test_sets_and_maps_have_every_item_once() -> None:
    of_set = {"type": "array", "x-kubernetes-list-type": "set", "items": STRING}
    assert repeated(of_set, ["a", "b", "a", "a"]) == ['spec[2]: Duplicate value: "a"']
    of_map: Object = {"type": "array", "x-kubernetes-list-type": "map", "items": obj()}
    one = {**of_map, "x-kubernetes-list-map-keys": ["name"]}
    assert repeated(one, [{"name": "a"}, {"name": "a", "b": 1}]) == ['spec[1]: Duplicate value: {"name":"a"}']
    two = {**of_map, "x-kubernetes-list-map-keys": ["name", "port"]}
    assert repeated(two, [{"name": "a", "port": 1}, {"name": "a", "port": 2}]) == []
    assert repeated({"type": "array", "items": STRING}, ["a", "a"]) == []
