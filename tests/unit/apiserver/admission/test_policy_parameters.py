"""Who writes an admission policy needs to be allowed to read its parameters."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from wherry.api.types import Object
from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.policy.user import AUTHENTICATED, User
from wherry.testing.apiserver import ADMIN, in_process_server
from wherry.testing.http import Answer, Api

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
JANE = User("jane", (AUTHENTICATED,))


def policy(name: str, kind: str | None) -> Object:
    spec: Object = {
        "matchConstraints": {
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
            ]
        },
        "validations": [{"expression": "true"}],
    }
    if kind is not None:
        spec["paramKind"] = {"apiVersion": "v1", "kind": kind}
    return {"metadata": {"name": name}, "spec": spec}


def binding(called: str, of: str, **reference: object) -> Object:
    given = {"paramRef": {"parameterNotFoundAction": "Deny", **reference}} if reference else {}
    return {"metadata": {"name": called}, "spec": {"policyName": of, "validationActions": ["Deny"], **given}}


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """Jane may write policies, get configmaps everywhere, and nothing more."""
    clock = FakeClock()
    async with in_process_server(clock=clock, config=ServerConfig(rbac=True)) as server:
        api = Api(server, clock)
        rules = [
            {"apiGroups": ["admissionregistration.k8s.io"], "resources": ["*"], "verbs": ["*"]},
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]},
        ]
        await api.create(f"{RBAC}/clusterroles", {"metadata": {"name": "policies"}, "rules": rules})
        subject = {"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}
        role = {"kind": "ClusterRole", "name": "policies", "apiGroup": "rbac.authorization.k8s.io"}
        bound = {"metadata": {"name": "policies"}, "roleRef": role, "subjects": [subject]}
        await api.create(f"{RBAC}/clusterrolebindings", bound)
        api.user = JANE
        yield api


async def write(api: Api, plural: str, body: Object) -> Answer:
    return await api("POST", f"{ADMISSION}/{plural}", body)


def refused(answer: Answer, field: str) -> str:
    assert (answer.status, answer.reason) == (422, "Invalid"), answer.body
    (cause,) = answer.body["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldValueForbidden", field)
    message: str = cause["message"]
    return message


async def test_a_policy_names_only_what_its_author_may_read(api: Api) -> None:
    plural = "validatingadmissionpolicies"
    assert (await write(api, plural, policy("none", None))).status == 201
    assert (await write(api, plural, policy("maps", "ConfigMap"))).status == 201
    message = refused(await write(api, plural, policy("secrets", "Secret")), "spec.paramKind")
    assert message == (
        'Forbidden: user &{jane  [system:authenticated] map[]} must have "get" permission on all objects of the '
        "referenced paramKind (kind=Secret, apiVersion=v1)"
    )
    api.user = ADMIN
    assert (await write(api, plural, policy("secrets", "Secret"))).status == 201
    api.user = JANE
    unchanged = {"metadata": {"labels": {"a": "b"}}}
    assert (await api.patch(f"{ADMISSION}/{plural}/secrets", unchanged)).status == 200, "the kind is as it was"


async def test_a_binding_names_only_what_its_author_may_read(api: Api) -> None:
    plural = "validatingadmissionpolicybindings"
    await write(api, "validatingadmissionpolicies", policy("maps", "ConfigMap"))
    assert (await write(api, plural, binding("no", "maps"))).status == 201
    assert (await write(api, plural, binding("one", "maps", name="m", namespace="default"))).status == 201
    by_label = binding("some", "maps", selector={}, namespace="default")
    assert 'does not have "list" permission on the object referenced by paramRef' in refused(
        await write(api, plural, by_label), "spec.paramRef"
    )
    nowhere = binding("other", "unknown", name="m", namespace="default")
    assert "unable to get policy unknown" in refused(await write(api, plural, nowhere), "spec.paramRef")
