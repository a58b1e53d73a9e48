"""Values against a schema, with the words of kube-apiserver."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.api.customresources.checks import MISSING, Check
from wherry.api.types import Object
from wherry.api.validation.errors import Errors


def said(schema: Object, value: Any, old: Any = MISSING) -> list[str]:
    errors = Errors()
    Check(schema)(value, "spec", errors, old)
    return [str(error) for error in errors]


STRING, INTEGER = {"type": "string"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        (INTEGER, "1", 'Invalid value: "string": spec in body must be of type integer: "string"'),
        (STRING, None, 'Invalid value: "null": spec in body must be of type string: "null"'),
        (INTEGER, 1.5, 'Invalid value: "number": spec in body must be of type integer: "number"'),
        ({"type": "boolean"}, 1, 'Invalid value: "integer": spec in body must be of type boolean: "integer"'),
        (
            {"x-kubernetes-int-or-string": True},
            True,
            'Invalid value: "boolean": spec in body must be of type integer,string: "boolean"',
        ),
        ({**STRING, "enum": ["a", "b"]}, "c", 'Unsupported value: "c": supported values: "a", "b"'),
        ({**INTEGER, "enum": [1, 2]}, 3, 'Unsupported value: 3: supported values: "1", "2"'),
        ({**INTEGER, "minimum": 1}, 0, "Invalid value: 0: spec in body should be greater than or equal to 1"),
        ({**INTEGER, "maximum": 3}, 4, "Invalid value: 4: spec in body should be less than or equal to 3"),
        (
            {**INTEGER, "minimum": 1, "exclusiveMinimum": True},
            1,
            "Invalid value: 1: spec in body should be greater than 1",
        ),
        (
            {"type": "number", "maximum": 1.5, "exclusiveMaximum": True},
            1.5,
            "Invalid value: 1.5: spec in body should be less than 1.5",
        ),
        ({**INTEGER, "multipleOf": 5}, 7, "Invalid value: 7: spec in body should be a multiple of 5"),
        ({**STRING, "pattern": "^a+$"}, "ab", "Invalid value: \"ab\": spec in body should match '^a+$'"),
        ({**STRING, "minLength": 3}, "ab", 'Invalid value: "ab": spec in body should be at least 3 chars long'),
        ({**STRING, "maxLength": 1}, "ab", "Too long: may not be more than 1 bytes"),
        ({**STRING, "format": "ipv4"}, "x", 'Invalid value: "x": spec in body must be of type ipv4: "x"'),
        ({**STRING, "format": "date"}, "x", 'Invalid value: "x": spec in body must be of type date: "x"'),
        ({"type": "array", "maxItems": 1}, [1, 2], "Too many: 2: must have at most 1 items"),
        ({"type": "array", "minItems": 1}, [], "Invalid value: 0: spec in body should have at least 1 items"),
        ({"type": "object", "maxProperties": 0}, {"a": 1}, "Too many: 1: must have at most 0 items"),
        (
            {"type": "object", "minProperties": 1},
            {},
            "Invalid value: 0: spec in body should have at least 1 properties",
        ),
    ],
)
def test_a_wrong_value_is_told_as_upstream_does(schema: Object, value: Any, message: str) -> None:
    assert said(schema, value) == [f"spec: {message}"]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (INTEGER, 2.0),
        ({"type": "number"}, 2),
        ({**STRING, "nullable": True}, None),
        ({"x-kubernetes-int-or-string": True}, "25%"),
        ({}, None),
        ({**STRING, "format": "unheard-of"}, "x"),
        ({**STRING, "format": "date-time"}, "2026-01-02T03:04:05Z"),
        ({**STRING, "maxLength": 2}, "äö"),
        ({"type": "number", "multipleOf": 0.1}, 0.3),
    ],
)
def test_what_is_right_is_not_told(schema: Object, value: Any) -> None:
    assert said(schema, value) == []


def test_what_is_missing_or_wrong_inside_is_told_with_its_path() -> None:
    item = {"type": "object", "required": ["name"], "properties": {"name": STRING}}
    schema = {"type": "object", "properties": {"list": {"type": "array", "items": item}}, "required": ["size"]}
    assert said(schema, {"list": [{"name": 1}, {}]}) == [
        "spec.size: Required value",
        'spec.list[0].name: Invalid value: "integer": spec.list[0].name in body must be of type string: "integer"',
        "spec.list[1].name: Required value",
    ]
    assert said({"type": "object", "additionalProperties": INTEGER}, {"a": "x"})[0].startswith("spec.a: Invalid value")


def test_put_together_schemas_name_the_path_in_their_message() -> None:
    short, long = {"maxLength": 2}, {"minLength": 4}
    assert said({"type": "string", "oneOf": [short, long]}, "abc") == [
        '<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found none valid',
        "spec: Too long: may not be more than 2 bytes",
    ]
    both = {"type": "string", "oneOf": [{"minLength": 1}, {"minLength": 2}]}
    assert said(both, "abc") == [
        '<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives'
    ]
    assert said({"type": "string", "anyOf": [short, long]}, "a") == []
    assert said({"anyOf": [long]}, "a")[0].endswith('"spec" must validate at least one schema (anyOf)')
    assert said({"allOf": [short, long]}, "a")[-1].endswith('"spec" must validate all the schemas (allOf)')
    assert said({"not": {"enum": ["a"]}}, "a")[0].endswith('"spec" must not validate the schema (not)')


def test_what_did_not_change_is_not_judged_again() -> None:
    schema = {"type": "object", "properties": {"a": {**INTEGER, "maximum": 1}, "b": INTEGER}}
    assert said(schema, {"a": 5, "b": 2}, {"a": 5, "b": 1}) == []
    assert len(said(schema, {"a": 6, "b": 2}, {"a": 5, "b": 1})) == 1
    keyed: Object = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": schema,
    }
    old = [{"name": "x", "a": 5}]
    assert said(keyed, [{"name": "y", "a": 1}, {"name": "x", "a": 5, "b": 1}], old) == []
    atomic = {**keyed, "x-kubernetes-list-type": "atomic"}
    assert len(said(atomic, [{"name": "x", "a": 5, "b": 1}], old)) == 1
