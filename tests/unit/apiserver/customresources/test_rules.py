"""CEL rules of custom resources over HTTP: definitions that are refused, and objects that are."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.apiserver.customresources.conftest import CRONTABS, DEFINITIONS, Establish, definition, version

from wherry.testing.http import Api

INT = {"type": "integer"}
TEXT = {"type": "string", "maxLength": 100}


def schema_of(spec: dict[str, Any], status: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": {"spec": spec, "status": status or {"type": "object"}}}


def with_rules(*rules: dict[str, Any], properties: dict[str, Any] | None = None) -> dict[str, Any]:
    fields = properties or {"replicas": INT, "minReplicas": INT, "maxReplicas": INT, "name": TEXT, "labels": {
        "type": "object", "additionalProperties": TEXT}}  # fmt: skip
    spec = {"type": "object", "properties": fields, "x-kubernetes-validations": list(rules)}
    return definition(version(schema=schema_of(spec), subresources={"status": {}}))


def tab(name: str = "one", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "stable.example.com/v1", "kind": "CronTab", "metadata": {"name": name}, "spec": spec}


async def test_a_rule_that_does_not_hold_is_told_with_its_message(api: Api, establish: Establish) -> None:
    rule = {"rule": "self.replicas <= self.maxReplicas", "message": "replicas must not be above maxReplicas"}
    await establish(with_rules(rule, {"rule": "self.minReplicas <= self.replicas"}))
    answer = await api("POST", CRONTABS, tab(minReplicas=4, replicas=3, maxReplicas=2))
    assert answer.status == 422
    assert answer.body["details"]["causes"] == [
        {
            "reason": "FieldValueInvalid",
            "message": 'Invalid value: "object": replicas must not be above maxReplicas',
            "field": "spec",
        },
        {
            "reason": "FieldValueInvalid",
            "message": 'Invalid value: "object": failed rule: self.minReplicas <= self.replicas',
            "field": "spec",
        },
    ]
    assert (await api("POST", CRONTABS, tab(minReplicas=1, replicas=2, maxReplicas=3))).status == 201


@pytest.mark.parametrize(
    ("rule", "spec", "reason", "message", "field"),
    [
        ({"rule": "self.replicas > 0", "reason": "FieldValueForbidden", "message": "no"}, {"replicas": 0}, "FieldValueForbidden", "Forbidden: no", "spec"),
        ({"rule": "self.replicas > 0", "reason": "FieldValueRequired", "message": "no"}, {"replicas": 0}, "FieldValueRequired", "Required value: no", "spec"),
        ({"rule": "self.replicas > 0", "reason": "FieldValueDuplicate"}, {"replicas": 0}, "FieldValueDuplicate", 'Duplicate value: "object"', "spec"),
        ({"rule": "self.replicas > 0", "fieldPath": ".replicas"}, {"replicas": 0}, "FieldValueInvalid", 'Invalid value: "object": failed rule: self.replicas > 0', "spec.replicas"),
        ({"rule": "self.replicas > 0", "messageExpression": "'%d is too few'.format([self.replicas])"}, {"replicas": 0}, "FieldValueInvalid", 'Invalid value: "object": 0 is too few', "spec"),
        ({"rule": "self.replicas > 0", "messageExpression": "self.labels['x']", "message": "plain"}, {"replicas": 0, "labels": {}}, "FieldValueInvalid", 'Invalid value: "object": plain', "spec"),
        ({"rule": "self.replicas > 0"}, {}, "FieldValueInvalid", 'Invalid value: "object": no such key: replicas evaluating rule: self.replicas > 0', "spec"),
        ({"rule": "1 / self.replicas > 0", "message": "m"}, {"replicas": 0}, "FieldValueInvalid", 'Invalid value: "object": division by zero evaluating rule: m', "spec"),
        ({"rule": "self.labels.all(k, self.labels[k] == 'a')"}, {"labels": {"k": "b"}}, "FieldValueInvalid", 'Invalid value: "object": failed rule: self.labels.all(k, self.labels[k] == \'a\')', "spec"),
    ],
)  # fmt: skip
async def test_the_error_is_what_the_rule_says(
    api: Api, establish: Establish, rule: Any, spec: Any, reason: str, message: str, field: str
) -> None:
    await establish(with_rules(rule))
    answer = await api("POST", CRONTABS, tab(**spec))
    assert answer.body["details"]["causes"] == [{"reason": reason, "message": message, "field": field}]


async def test_a_rule_about_changes_runs_when_there_is_something_to_compare_with(
    api: Api, establish: Establish
) -> None:
    await establish(with_rules({"rule": "self.replicas >= oldSelf.replicas", "message": "only upwards"}))
    made = await api.create(CRONTABS, tab(replicas=3))
    made["spec"]["replicas"] = 2
    answer = await api("PUT", f"{CRONTABS}/one", made)
    assert answer.body["details"]["causes"][0]["message"] == 'Invalid value: "object": only upwards'
    made["spec"]["replicas"] = 4
    assert (await api("PUT", f"{CRONTABS}/one", made)).status == 200


async def test_an_optional_old_value_is_there_on_create_too(api: Api, establish: Establish) -> None:
    rule = {"rule": "oldSelf.hasValue() || self.replicas == 1", "optionalOldSelf": True, "message": "start with one"}
    await establish(with_rules(rule))
    assert (await api("POST", CRONTABS, tab(replicas=2))).status == 422
    made = await api.create(CRONTABS, tab(replicas=1))
    made["spec"]["replicas"] = 9
    assert (await api("PUT", f"{CRONTABS}/one", made)).status == 200


async def test_what_did_not_change_is_tolerated_with_a_warning(api: Api, establish: Establish) -> None:
    properties = {"a": {"type": "object", "properties": {"x": INT}}, "b": INT}
    loose = {"type": "object", "properties": properties}
    await establish(definition(version(schema=schema_of(loose))))
    made = await api.create(CRONTABS, tab(a={"x": 1}, b=1))
    rule = {"rule": "self.x > 5", "message": "more"}
    strict = {"type": "object", "properties": {"a": {**properties["a"], "x-kubernetes-validations": [rule]}, "b": INT}}
    found = (await api("GET", f"{DEFINITIONS}/crontabs.stable.example.com")).body
    found["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = schema_of(strict)
    assert (await api("PUT", f"{DEFINITIONS}/crontabs.stable.example.com", found)).status == 200
    made["spec"]["b"] = 2
    answer = await api("PUT", f"{CRONTABS}/one", made)
    assert answer.status == 200
    assert answer.headers["Warning"] == '299 - "spec.a: Invalid value: \\"object\\": more"'
    changed = answer.body
    changed["spec"]["a"]["x"] = 2
    assert (await api("PUT", f"{CRONTABS}/one", changed)).status == 422


async def test_names_and_types_are_those_of_the_schema(api: Api, establish: Establish) -> None:
    properties = {
        "a-b": INT,
        "in": INT,
        "namespace": TEXT,
        "when": {"type": "string", "format": "date-time"},
        "for": {"type": "string", "format": "duration"},
        "raw": {"type": "string", "format": "byte", "maxLength": 20},
        "ratio": {"type": "number"},
        "port": {"x-kubernetes-int-or-string": True},
        "set": {"type": "array", "x-kubernetes-list-type": "set", "maxItems": 5, "items": TEXT},
    }
    rules = [
        "self.a__dash__b == 1 && self.__in__ == 2",
        "self.namespace == 'x' && self.__namespace__ == 'x'",
        "self.when > timestamp('2020-01-01T00:00:00Z') && self.when.getFullYear() == 2024",
        "self.__for__ == duration('90s')",
        "self.raw == b'hi' && self.raw.size() == 2",
        "self.ratio == 1.0 && type(self.ratio) == double",
        "type(self.port) == string ? self.port == 'http' : self.port == 80",
        "self.set == ['b', 'a'] && (self.set + ['a', 'c']).size() == 3",
    ]
    await establish(with_rules(*({"rule": rule} for rule in rules), properties=properties))
    spec = {"a-b": 1, "in": 2, "namespace": "x", "when": "2024-01-01T00:00:00Z", "for": "1m30s", "raw": "aGk=", "ratio": 1, "port": 80,
            "set": ["a", "b"]}  # fmt: skip
    answer = await api("POST", CRONTABS, tab(**spec))
    assert answer.status == 201, answer.body
    assert answer.body["spec"] == spec


async def test_rules_at_the_root_see_the_metadata(api: Api, establish: Establish) -> None:
    root = schema_of({"type": "object"}) | {"x-kubernetes-validations": [{"rule": "self.metadata.name != 'no'"}]}
    await establish(definition(version(schema=root)))
    assert (await api("POST", CRONTABS, tab("yes"))).status == 201
    answer = await api("POST", CRONTABS, tab("no"))
    wanted = "<nil>: Invalid value: \"object\": failed rule: self.metadata.name != 'no'"
    assert answer.message == f'CronTab.stable.example.com "no" is invalid: {wanted}'


async def test_the_status_is_checked_as_well(api: Api, establish: Establish) -> None:
    status = {"type": "object", "properties": {"ready": INT}, "x-kubernetes-validations": [{"rule": "self.ready >= 0"}]}
    schema = schema_of({"type": "object"}, status)
    await establish(definition(version(schema=schema, subresources={"status": {}})))
    made = await api.create(CRONTABS, tab())
    made["status"] = {"ready": -1}
    answer = await api("PUT", f"{CRONTABS}/one/status", made)
    assert answer.body["details"]["causes"][0]["field"] == "status"


async def test_rules_wait_until_the_object_has_the_right_form(api: Api, establish: Establish) -> None:
    await establish(with_rules({"rule": "self.replicas > 3"}))
    answer = await api("POST", CRONTABS, tab(replicas="x"))
    assert [cause["message"] for cause in answer.body["details"]["causes"]] == [
        'Invalid value: "string": spec.replicas in body must be of type integer: "string"',
        "Invalid value: null: some validation rules were not checked because the object was invalid; "
        "correct the existing errors to complete validation",
    ]


async def test_an_expensive_object_runs_out_of_budget(api: Api, establish: Establish) -> None:
    properties = {"list": {"type": "array", "maxItems": 500, "items": INT}}
    rule = {"rule": "self.list.all(x, self.list.all(y, self.list.exists(z, z == 0)))", "message": "slow"}
    found = with_rules(rule, properties=properties)
    refused = await api("POST", DEFINITIONS, found)
    assert "estimated rule cost exceeds budget by factor of " in refused.message
    properties["list"]["maxItems"] = 90
    await establish(with_rules(rule, properties=properties))
    answer = await api("POST", CRONTABS, tab(list=[1] * 89 + [0]))
    assert answer.status == 422
    assert answer.body["details"]["causes"][0]["message"] == (
        "Invalid value: \"object\": 'operation cancelled: actual cost limit exceeded': "
        "no further validation rules will be run due to call cost exceeds limit for rule: slow"
    )


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"rule": "self.missing > 1"}, "compilation failed: ERROR: <input>:1:5: undefined field 'missing'\n | self.missing > 1\n | ....^"),
        ({"rule": "self.replicas"}, "cel expression must evaluate to a bool"),
        ({"rule": "self.replicas > 1", "messageExpression": "self.replicas"}, "messageExpression must evaluate to a string"),
        ({"rule": "self.replicas >"}, "Syntax error: mismatched input '<EOF>' expecting"),
        ({"rule": " "}, ".rule: Required value: rule is not specified"),
        ({"rule": "true", "message": "a\nb"}, "message must not contain line breaks"),
        ({"rule": "true ||\nfalse"}, "message must be specified if rule contains line breaks"),
        ({"rule": "true", "fieldPath": ".nope"}, 'fieldPath: Invalid value: ".nope": fieldPath must be a valid path'),
        ({"rule": "true", "reason": "Because"}, 'reason: Unsupported value: "Because": supported values: "FieldValueDuplicate", '),
        ({"rule": "true", "optionalOldSelf": True}, "optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule"),
        ({"rule": "self.names.all(n, n.matches('('))"}, "undefined field 'names'"),
    ],
)  # fmt: skip
async def test_a_definition_with_a_wrong_rule_is_refused(api: Api, rule: Any, message: str) -> None:
    answer = await api("POST", DEFINITIONS, with_rules(rule))
    assert answer.status == 422
    assert message in answer.message


async def test_the_cost_of_rules_is_estimated_by_the_bounds_in_the_schema(api: Api, establish: Establish) -> None:
    tags = {"type": "array", "items": {"type": "string"}}
    rule = {"rule": "self.tags.all(x, x.contains('gpu'))"}
    refused = await api("POST", DEFINITIONS, with_rules(rule, properties={"tags": tags}))
    place = "spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule"
    advice = "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)"
    assert [f"{cause['field']}: {cause['message']}" for cause in refused.body["details"]["causes"]] == [
        f"{place}: Forbidden: estimated rule cost exceeds budget by factor of more than 100x {advice}",
        f"{place}: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema",
        "spec.validation.openAPIV3Schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 "
        f"schema exceeds budget by factor of more than 100x {advice}",
    ]
    bounded = {"type": "array", "items": {"type": "string", "maxLength": 16}, "maxItems": 909_090}
    await establish(with_rules(rule, properties={"tags": bounded}))


async def test_old_values_in_plain_lists_cannot_be_compared(api: Api) -> None:
    item = {"type": "object", "properties": {"a": INT}, "x-kubernetes-validations": [{"rule": "self.a == oldSelf.a"}]}
    answer = await api(
        "POST", DEFINITIONS, with_rules(properties={"list": {"type": "array", "maxItems": 3, "items": item}})
    )
    assert answer.body["details"]["causes"][0]["message"] == (
        'Invalid value: "self.a == oldSelf.a": oldSelf cannot be used on the uncorrelatable portion of the schema within '
        "spec.validation.openAPIV3Schema.properties[spec].properties[list]"
    )


async def test_old_items_of_a_list_are_found_by_their_keys(api: Api, establish: Establish) -> None:
    item = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": TEXT, "a": INT},
        "x-kubernetes-validations": [{"rule": "self.a == oldSelf.a", "message": "fixed"}],
    }
    keyed = {"type": "array", "maxItems": 5, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    await establish(with_rules(properties={"list": {**keyed, "items": item}}))
    made = await api.create(CRONTABS, tab(list=[{"name": "x", "a": 1}, {"name": "y", "a": 2}]))
    made["spec"]["list"] = [{"name": "new", "a": 9}, {"name": "y", "a": 2}, {"name": "x", "a": 7}]
    answer = await api("PUT", f"{CRONTABS}/one", made)
    assert [cause["field"] for cause in answer.body["details"]["causes"]] == ["spec.list[2]"]


async def test_a_default_must_keep_to_the_rules(api: Api) -> None:
    rule = {"rule": "self.x > 3", "message": "more"}
    inner = {"type": "object", "default": {"x": 1}, "properties": {"x": INT}, "x-kubernetes-validations": [rule]}
    answer = await api("POST", DEFINITIONS, with_rules(properties={"a": inner}))
    assert answer.body["details"]["causes"] == [
        {
            "reason": "FieldValueInvalid",
            "message": 'Invalid value: "object": more',
            "field": "spec.validation.openAPIV3Schema.properties[spec].properties[a].default",
        }
    ]


GATEWAY_RULES = [
    "self.listeners.all(l, l.protocol in ['HTTP', 'TCP', 'UDP'] ? !has(l.tls) : true)",
    "self.listeners.all(l1, self.listeners.exists_one(l2, l1.port == l2.port && l1.protocol == l2.protocol && "
    "(has(l1.hostname) && has(l2.hostname) ? l1.hostname == l2.hostname : !has(l1.hostname) && !has(l2.hostname))))",
    "self.listeners.all(l, (has(l.tls) && l.tls.mode == 'Terminate') ? size(l.tls.refs) > 0 || size(l.tls.options) > 0 : true)",
    """self.path.type in ['Exact', 'PathPrefix'] ? self.path.value.matches(r\"\"\"^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$\"\"\") : true""",
    "!self.path.value.contains('//') && !self.path.value.endsWith('/..')",
    "self.addresses.all(a1, a1.type == 'IPAddress' ? self.addresses.exists_one(a2, a2.type == a1.type && a2.value == a1.value) : true)",
    "has(self.weight) ? self.weight >= 0 && self.weight <= 1000000 : true",
]
"""As in the definitions of the Gateway API, whose bounds they are compiled with."""


async def test_rules_of_a_well_known_definition_are_within_the_limits(api: Api, establish: Establish) -> None:
    text = {"type": "string", "maxLength": 253}
    refs = {"type": "array", "maxItems": 64, "items": text}
    options = {"type": "object", "maxProperties": 16, "additionalProperties": {"type": "string", "maxLength": 4096}}
    tls = {"type": "object", "properties": {"mode": {**text, "default": "Terminate"}, "refs": refs, "options": options}}
    listener = {"type": "object", "properties": {"protocol": text, "hostname": text, "port": INT, "tls": tls}}
    address = {"type": "object", "properties": {"type": text, "value": text}}
    path = {"type": "object", "properties": {"type": text, "value": {"type": "string", "maxLength": 1024}}}
    properties = {
        "listeners": {"type": "array", "maxItems": 64, "items": listener},
        "addresses": {"type": "array", "maxItems": 16, "items": address},
        "path": path,
        "weight": INT,
    }
    await establish(with_rules(*({"rule": rule} for rule in GATEWAY_RULES), properties=properties))
    web = {"protocol": "HTTPS", "hostname": "a.example", "port": 443, "tls": {"mode": "Terminate", "refs": ["cert"]}}
    spec = {"listeners": [web, {**web, "port": 444}], "addresses": [{"type": "IPAddress", "value": "1.2.3.4"}],
            "path": {"type": "Exact", "value": "/a%20b"}, "weight": 1}  # fmt: skip
    assert (await api("POST", CRONTABS, tab(**spec))).status == 201
    answer = await api("POST", CRONTABS, tab("two", **{**spec, "listeners": [web, web]}))
    assert answer.body["details"]["causes"][0]["message"].endswith(f"failed rule: {GATEWAY_RULES[1]}")
