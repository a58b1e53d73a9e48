"""Acting as somebody else for some actions only, and as whom one is then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.policy.user import AUTHENTICATED, User
from wherry.testing.apiserver import ADMIN, in_process_server
from wherry.testing.http import Api
from wherry.testing.manifests import MAPS, PODS

RBAC = "/apis/rbac.authorization.k8s.io/v1"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
AGENT = User("agent", (AUTHENTICATED,))
GROUP = "authentication.k8s.io"


@pytest.fixture
async def api(clock: FakeClock) -> AsyncIterator[Api]:
    async with in_process_server(clock=clock, config=ServerConfig(rbac=True)) as server:
        yield Api(server, clock)


async def allow(api: Api, user: str, *rules: dict[str, Any]) -> None:
    """Give the user these rules in the whole cluster."""
    name, api.user = user.replace(":", "-"), ADMIN
    await api.create(f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": list(rules)})
    subject = {"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}
    role = {"kind": "ClusterRole", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
    await api.create(
        f"{RBAC}/clusterrolebindings", {"metadata": {"name": name}, "subjects": [subject], "roleRef": role}
    )


def rule(verb: str, resource: str, group: str = "", *names: str) -> dict[str, Any]:
    return {
        "verbs": [verb],
        "apiGroups": [group],
        "resources": [resource],
        **({"resourceNames": names} if names else {}),
    }


async def test_a_user_may_be_impersonated_for_the_named_action_only(api: Api) -> None:
    await allow(api, "bob", rule("list", "configmaps"), rule("list", "pods"))
    identity = rule("impersonate:user-info", "users", GROUP, "bob")
    await allow(api, "agent", identity, rule("impersonate-on:user-info:list", "configmaps"))
    api.user = AGENT
    as_bob = {"impersonate-user": "bob"}
    assert (await api("GET", MAPS, headers=as_bob)).status == 200
    assert (await api("GET", MAPS)).status == 403, "only as bob"
    refused = await api("GET", PODS, headers=as_bob)
    assert refused.status == 403 and 'User "agent" cannot impersonate resource "users"' in refused.message
    assert (await api("GET", MAPS, headers={"impersonate-user": "eve"})).status == 403
    assert (await api("GET", MAPS, headers={**as_bob, "impersonate-group": "system:masters"})).status == 403


async def test_what_the_other_may_not_do_stays_forbidden(api: Api) -> None:
    await allow(
        api, "agent", rule("impersonate:user-info", "users", GROUP), rule("impersonate-on:user-info:list", "configmaps")
    )
    api.user = AGENT
    answer = await api("GET", MAPS, headers={"impersonate-user": "bob"})
    assert answer.status == 403 and 'User "bob" cannot list resource "configmaps"' in answer.message


async def test_an_agent_may_be_the_node_that_it_runs_on_and_no_other(api: Api) -> None:
    await allow(
        api,
        "system:serviceaccount:kube-system:agent",
        rule("impersonate:associated-node", "nodes", GROUP),
        rule("impersonate-on:associated-node:create", "selfsubjectreviews", GROUP),
    )
    extra = {"authentication.kubernetes.io/node-name": ("n1",)}
    api.user = User("system:serviceaccount:kube-system:agent", (AUTHENTICATED,), "", extra)
    answer = await api("POST", WHO, {}, {"impersonate-user": "system:node:n1"})
    assert answer.body["status"]["userInfo"] == {
        "username": "system:node:n1",
        "groups": ["system:nodes", "system:authenticated"],
    }
    assert (await api("POST", WHO, {}, {"impersonate-user": "system:node:n2"})).status == 403


async def test_a_service_account_is_impersonated_by_its_own_permission(api: Api) -> None:
    name = "system:serviceaccount:default:app"
    await allow(
        api,
        "agent",
        rule("impersonate:serviceaccount", "serviceaccounts", GROUP, "app"),
        rule("impersonate-on:serviceaccount:create", "selfsubjectreviews", GROUP),
    )
    api.user = AGENT
    answer = await api("POST", WHO, {}, {"impersonate-user": name})
    assert answer.body["status"]["userInfo"]["groups"] == [
        "system:serviceaccounts",
        "system:serviceaccounts:default",
        "system:authenticated",
    ]
    assert (await api("POST", WHO, {}, {"impersonate-user": name, "impersonate-uid": "7"})).status == 403


async def test_the_unconstrained_verb_still_works(api: Api) -> None:
    await allow(api, "bob", rule("list", "configmaps"))
    await allow(api, "agent", rule("impersonate", "users", "", "bob"))
    api.user = AGENT
    assert (await api("GET", MAPS, headers={"impersonate-user": "bob"})).status == 200
