"""Type checking tells in a policy's status what is wrong for the kinds it is for."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.unit.apiserver.policies.conftest import POLICIES, Enforce, rule

from wherry.api.types import Object
from wherry.testing.http import Api


async def status(api: Api) -> Object:
    for _ in range(20):
        await asyncio.sleep(0)
    found: Any = (await api("GET", f"{POLICIES}/validatingadmissionpolicies/p")).body["status"]
    return found


async def test_a_field_that_the_kind_does_not_have_is_warned_of(api: Api, enforce: Enforce) -> None:
    await enforce(
        {"expression": "object.spec.replicas <= 5 && variables.name.startsWith('a')"},
        {"expression": "object.spec.replica <= 5", "messageExpression": "'has ' + object.spec.replicas"},
        rules=(rule("deployments", "replicasets", group="apps"),),
        variables=[{"name": "name", "expression": "object.metadata.name"}],
    )
    found = await status(api)
    assert found["observedGeneration"] == 1
    first, second = found["typeChecking"]["expressionWarnings"]
    assert first["fieldRef"] == "spec.validations[1].expression"
    assert first["warning"].startswith("apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replica'\n")
    assert "apps/v1, Kind=ReplicaSet: ERROR: <input>:1:12: undefined field 'replica'" in first["warning"]
    assert second["fieldRef"] == "spec.validations[1].messageExpression"
    assert "found no matching overload for '_+_' applied to '(string, int)'" in second["warning"]


async def test_it_is_done_again_for_each_generation_and_not_for_wildcards(api: Api, enforce: Enforce) -> None:
    await enforce("object.nothing == 1", rules=({**rule("*"), "apiGroups": ["*"]},))
    assert await status(api) == {"observedGeneration": 1, "typeChecking": {}}
    change = {"spec": {"matchConstraints": {"resourceRules": [rule("configmaps")]}}}
    await api.patch(f"{POLICIES}/validatingadmissionpolicies/p", change)
    found = await status(api)
    assert found["observedGeneration"] == 2
    assert "undefined field 'nothing'" in found["typeChecking"]["expressionWarnings"][0]["warning"]
