"""MutatingAdmissionPolicy: patches and merged configurations, in order, with a second look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.unit.apiserver.policies.conftest import DEPLOYMENTS, MAPS, POLICIES, config_map, deployment, rule

from wherry.api.types import Object
from wherry.testing.http import Api

Mutate = Callable[..., Awaitable[None]]


def by_patch(expression: str) -> Object:
    return {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}


def by_merge(expression: str) -> Object:
    return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}


@pytest.fixture
def mutate(api: Api) -> Mutate:
    async def create(*mutations: Object, name: str = "m", rules: tuple[Object, ...] = (), **spec: Any) -> None:
        constraints = {"resourceRules": list(rules) or [rule("configmaps")]}
        policy = {"matchConstraints": constraints, "mutations": list(mutations), "reinvocationPolicy": "Never", **spec}
        await api.create(f"{POLICIES}/mutatingadmissionpolicies", {"metadata": {"name": name}, "spec": policy})
        binding = {"metadata": {"name": f"{name}-b"}, "spec": {"policyName": name}}
        await api.create(f"{POLICIES}/mutatingadmissionpolicybindings", binding)

    return create


async def test_a_json_patch_is_applied_and_the_next_mutation_sees_it(api: Api, mutate: Mutate) -> None:
    await mutate(
        by_patch('[JSONPatch{op: "add", path: "/metadata/labels", value: {"example.com/a~b": object.data.a}}]'),
        by_patch(
            '[JSONPatch{op: "replace", path: "/metadata/labels/" + jsonpatch.escapeKey("example.com/a~b"),'
            ' value: object.metadata.labels["example.com/a~b"] + "!"}]'
        ),
    )
    made = await api("POST", MAPS, config_map(a="x"))
    assert made.status == 422
    assert "metadata.labels" in made.message
    assert "x!" in made.message


async def test_a_configuration_is_merged_by_the_keys_of_its_lists(api: Api, mutate: Mutate) -> None:
    expression = (
        "Object{metadata: Object.metadata{labels: {'by': 'policy'}}, spec: Object.spec{replicas: object.spec.replicas + 1,"
        " template: Object.spec.template{spec: Object.spec.template.spec{containers: ["
        "Object.spec.template.spec.containers{name: 'side', image: 'side'},"
        "Object.spec.template.spec.containers{name: 'web', image: 'patched'}]}}}}"
    )
    await mutate(by_merge(expression), rules=(rule("deployments", group="apps", operations=("CREATE",)),))
    made = await api.create(DEPLOYMENTS, deployment(2, labels={"own": "yes"}))
    assert made["metadata"]["labels"] == {"own": "yes", "by": "policy"}
    assert made["spec"]["replicas"] == 3
    containers = made["spec"]["template"]["spec"]["containers"]
    assert [(each["name"], each["image"]) for each in containers] == [("side", "side"), ("web", "patched")]
    assert containers[0]["imagePullPolicy"] == "Always"


@pytest.mark.parametrize(
    ("mutation", "why"),
    [
        (by_patch('[JSONPatch{op: "remove", path: "/data/missing"}]'), "JSON Patch: "),
        (by_patch('[JSONPatch{op: "test", path: "/data/a", value: "other"}]'), "JSON Patch: "),
        (by_patch("[object.data.missing]"), "resulted in error: no such key: missing"),
        (
            by_merge("Object{spec: Object.spec{x: 1}}"),
            "failed to convert patch object to typed object: .spec: field not declared in schema",
        ),
    ],
)
async def test_what_cannot_be_applied_is_refused_or_ignored(
    api: Api, mutate: Mutate, mutation: Object, why: str
) -> None:
    await mutate(mutation)
    answer = await api("POST", MAPS, config_map(a="x"))
    assert answer.status == 403
    assert answer.message.startswith("policy 'm' with binding 'm-b' denied request: ")
    assert why in answer.message
    await api.patch(f"{POLICIES}/mutatingadmissionpolicies/m", {"spec": {"failurePolicy": "Ignore"}})
    assert (await api("POST", MAPS, config_map(a="x"))).status == 201


async def test_lists_that_are_one_field_cannot_be_merged(api: Api, mutate: Mutate) -> None:
    expression = (
        "Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: ["
        "Object.spec.template.spec.containers{name: 'web', args: ['x']}]}}}}"
    )
    await mutate(by_merge(expression), rules=(rule("deployments", group="apps"),))
    answer = await api("POST", DEPLOYMENTS, deployment())
    assert answer.message.endswith(
        'may not mutate atomic arrays, maps or structs: .spec.template.spec.containers[name="web"].args'
    )


async def test_policies_look_again_if_they_want_to_when_one_after_them_changed_the_object(
    api: Api, mutate: Mutate
) -> None:
    count = "[JSONPatch{op: 'replace', path: '/data/n', value: string(int(object.data.n) + 1)}]"
    await mutate(by_patch(count), name="a", reinvocationPolicy="IfNeeded")
    await mutate(by_patch("[JSONPatch{op: 'add', path: '/data/b', value: 'x'}]"), name="b")
    made = await api.create(MAPS, config_map(n="0"))
    assert made["data"] == {"n": "2", "b": "x"}


async def test_conditions_variables_and_parameters_work_as_in_validating_policies(api: Api, mutate: Mutate) -> None:
    await api.create(MAPS, config_map("labels", team="blue"))
    await mutate(
        by_merge("Object{metadata: Object.metadata{labels: {'team': variables.team}}}"),
        rules=(rule("secrets"),),
        variables=[{"name": "team", "expression": "params.data.team"}],
        matchConditions=[{"name": "plain", "expression": "!has(object.metadata.labels)"}],
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
    )
    reference = {"paramRef": {"name": "labels", "parameterNotFoundAction": "Deny"}}
    await api.patch(f"{POLICIES}/mutatingadmissionpolicybindings/m-b", {"spec": reference})
    secrets = "/api/v1/namespaces/default/secrets"
    assert (await api.create(secrets, {"metadata": {"name": "s"}}))["metadata"]["labels"] == {"team": "blue"}
    own = {"metadata": {"name": "t", "labels": {"a": "b"}}}
    assert (await api.create(secrets, own))["metadata"]["labels"] == {"a": "b"}
