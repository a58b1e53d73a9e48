"""What a definition must look like, in upstream's words."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from wherry.api.customresources.definition_rules import DEFINITIONS
from wherry.api.types import Object
from wherry.api.validation.errors import Errors

STRING: Object = {"type": "string"}
PATH = "spec.validation.openAPIV3Schema"


def definition(schema: Object | None = None) -> Object:
    names = {"plural": "tabs", "singular": "tab", "kind": "Tab", "listKind": "TabList"}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema or {"type": "object"}},
    }
    return {
        "metadata": {"name": "tabs.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Cluster",
            "names": names,
            "versions": [version],
            "conversion": {"strategy": "None"},
        },
    }


def said(obj: Object) -> list[str]:
    errors = Errors()
    assert DEFINITIONS.create is not None
    DEFINITIONS.create(errors, obj)
    return [str(error) for error in errors]


def with_spec(change: Callable[[Object], Any]) -> Object:
    obj = definition()
    change(obj["spec"])
    return obj


def with_version(**fields: Any) -> Object:
    obj = definition({"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": STRING}}}})
    obj["spec"]["versions"][0].update(fields)
    return obj


def under_spec(schema: Object) -> list[str]:
    """What is said of the schema of `spec`, with paths below it."""
    prefix = f"{PATH}.properties[spec]"
    return [each.removeprefix(prefix) for each in said(definition({"type": "object", "properties": {"spec": schema}}))]


def test_a_plain_definition_is_fine() -> None:
    assert said(definition()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["names"].update(plural="other"), 'metadata.name: Invalid value: "tabs.example.com": must be spec.names.plural+"."+spec.group'),
        (lambda s: s.update(scope="Galaxy"), 'spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"'),
        (lambda s: s["names"].pop("kind"), "spec.names.kind: Required value"),
        (lambda s: s["names"].update(listKind="Tab"), 'spec.names.listKind: Invalid value: "Tab": kind and listKind may not be the same'),
        (lambda s: s["versions"][0].pop("schema"), "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required"),
        (lambda s: s.update(preserveUnknownFields=True), "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"),
        (lambda s: s.update(conversion={"strategy": "Webhook"}), "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook"),
    ],
)  # fmt: skip
def test_a_wrong_spec_is_told(change: Callable[[Object], Any], message: str) -> None:
    assert message in said(with_spec(change))


def test_there_is_exactly_one_storage_version_and_every_version_once() -> None:
    obj = definition()
    obj["spec"]["versions"].append(deepcopy(obj["spec"]["versions"][0]))
    ends = [each.rpartition(": ")[2] for each in said(obj)]
    assert ends == ["must contain unique version names", "must have exactly one version marked as storage version"]


def test_groups_of_kubernetes_need_an_approval() -> None:
    obj = definition()
    obj["spec"]["group"] = "x.k8s.io"
    obj["metadata"]["name"] = "tabs.x.k8s.io"
    assert said(obj)[0].startswith("metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups")
    obj["metadata"]["annotations"] = {"api-approved.kubernetes.io": "https://example.com/pull/1"}
    assert said(obj) == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "V1"}, 'spec.versions[0].name: Invalid value: "V1": a DNS-1035 label'),
        ({"deprecationWarning": "x"}, 'deprecationWarning: Invalid value: "x": can only be set for deprecated versions'),
        ({"additionalPrinterColumns": [{"name": "A", "type": "text", "jsonPath": "a"}]}, "must be one of boolean,date,integer,number,string"),
        ({"additionalPrinterColumns": [{"name": "A", "type": "string", "jsonPath": "a"}]}, "must be a simple json path starting with ."),
        ({"subresources": {"scale": {"specReplicasPath": ".x", "statusReplicasPath": ".status.x"}}}, "should be a json path under .spec"),
        ({"subresources": {"scale": {"statusReplicasPath": ".status.x"}}}, "scale.specReplicasPath: Required value"),
        ({"selectableFields": [{"jsonPath": ".spec.b"}]}, "is an invalid path: does not refer to a valid field"),
        ({"selectableFields": [{"jsonPath": ".spec"}]}, "must point to a field of type string, boolean or integer."),
        ({"selectableFields": [{"jsonPath": ".spec.a"}] * 2}, 'selectableFields[1].jsonPath: Duplicate value: ".spec.a"'),
    ],
)  # fmt: skip
def test_a_wrong_version_is_told(fields: Object, message: str) -> None:
    assert any(message in each for each in said(with_version(**fields)))


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({}, ".type: Required value: must not be empty for specified object fields"),
        ({"type": "array"}, ".items: Required value: must be specified"),
        ({"type": "text"}, '.type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"'),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": False}, ".x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined"),
        ({"type": "object", "x-kubernetes-embedded-resource": True}, ".properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"),
        ({"type": "object", "anyOf": [{"type": "object"}]}, ".anyOf[0].type: Forbidden: must be empty to be structural"),
        ({"type": "object", "anyOf": [{"properties": {"a": {}}}]}, ".properties[a]: Required value: because it is defined in "),
        ({"type": "object", "properties": {"a": STRING}, "additionalProperties": STRING}, ".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"),
        ({"type": "array", "items": STRING, "uniqueItems": True}, ".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic"),
        ({"type": "string", "pattern": "("}, ".pattern: Invalid value: \"(\": must be a valid regular expression, but isn't:"),
        ({"type": "string", "$ref": "#/x"}, ".$ref: Forbidden: $ref is not supported"),
        ({"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map"}, ".x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"),
        ({"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "set"}, ".items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set"),
        ({"type": "string", "default": 5}, '.default: Invalid value: "integer":'),
        ({"type": "object", "default": {"a": 1}}, '.default: Invalid value: {"a":1}: must not have unknown fields'),
        ({"type": "object", "x-kubernetes-validations": [{"rule": "self.a > 1"}]}, ".x-kubernetes-validations[0].rule: Invalid value: apiextensions.ValidationRule{Rule:\"self.a > 1\", Message:\"\", MessageExpression:\"\", Reason:(*apiextensions.FieldValueErrorReason)(nil), FieldPath:\"\", OptionalOldSelf:(*bool)(nil)}: compilation failed: ERROR: <input>:1:5: undefined field 'a'\n | self.a > 1\n | ....^"),
    ],
)  # fmt: skip
def test_a_wrong_schema_is_told(schema: Object, message: str) -> None:
    found = under_spec(schema)
    assert any(each.startswith(message) for each in found), found


def test_int_or_string_may_be_spelled_out() -> None:
    either = [{"type": "integer"}, {"type": "string"}]
    assert under_spec({"x-kubernetes-int-or-string": True, "anyOf": either}) == []
    assert under_spec({"x-kubernetes-int-or-string": True, "allOf": [{"anyOf": either}, {"pattern": "x"}]}) == []


def test_the_root_is_an_object_whose_metadata_is_left_alone() -> None:
    assert f'{PATH}.type: Invalid value: "string": must be object at the root' in said(definition(STRING))
    named = {
        "type": "object",
        "properties": {"metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 5}}}},
    }
    assert said(definition(named)) == []
    named["properties"]["metadata"]["properties"]["labels"] = {"type": "object"}
    assert "must not specify anything other than name and generateName" in said(definition(named))[0]


def updated(new: Object, old: Object) -> list[str]:
    errors = Errors()
    assert DEFINITIONS.update is not None
    for each in (new, old):
        each.setdefault("status", {"storedVersions": ["v1"]})
    DEFINITIONS.update(errors, new, old)
    return [str(error) for error in errors]


def test_an_established_definition_keeps_its_scope_and_kind() -> None:
    old = definition()
    old["status"] = {"storedVersions": ["v1"], "conditions": [{"type": "Established", "status": "True"}]}
    new = with_spec(lambda spec: spec.update(scope="Namespaced"))
    assert updated(new, old) == ['spec.scope: Invalid value: "Namespaced": field is immutable']
    assert updated(with_spec(lambda spec: spec.update(scope="Namespaced")), definition()) == []
