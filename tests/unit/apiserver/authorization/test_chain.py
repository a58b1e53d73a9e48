"""Who decides what requests may do: the chain of an AuthorizationConfiguration, webhooks among it, and the reviews of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from wherry.apiserver.config import ServerConfig
from wherry.apiserver.configuration.problems import ConfigurationError
from wherry.base.fake_clock import FakeClock
from wherry.policy.user import AUTHENTICATED, User
from wherry.testing.apiserver import ADMIN, in_process_server
from wherry.testing.http import Api
from wherry.testing.manifests import MAPS, PODS
from wherry.testing.webhook import ReviewService, review_service

REVIEWS = "/apis/authorization.k8s.io/v1"
JANE = User("jane", ("devs", AUTHENTICATED), "7", {"example.com/team": ("a",)})


def webhook(service: ReviewService, **more: Any) -> dict[str, Any]:
    return {
        "type": "Webhook",
        "name": "far",
        "webhook": {
            "timeout": "3s",
            "failurePolicy": "NoOpinion",
            "subjectAccessReviewVersion": "v1",
            "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": str(service.kubeconfig)},
            **more,
        },
    }


def write(path: Path, *authorizers: dict[str, Any]) -> Path:
    header = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration"}
    path.write_text(yaml.safe_dump({**header, "authorizers": list(authorizers)}))
    return path


RBAC, NODE = {"type": "RBAC", "name": "rbac"}, {"type": "Node", "name": "node"}


@asynccontextmanager
async def serving(clock: FakeClock, path: Path) -> AsyncIterator[Api]:
    async with in_process_server(clock=clock, config=ServerConfig(rbac=True, authorization_config=path)) as server:
        api = Api(server, clock)
        api.user = JANE
        yield api


def decide(spec: dict[str, Any]) -> dict[str, Any]:
    attributes = spec.get("resourceAttributes") or {}
    if attributes.get("resource") == "secrets":
        return {"allowed": False, "denied": True, "reason": "never secrets"}
    return {"allowed": attributes.get("resource") == "configmaps", "reason": "far away"}


async def test_a_webhook_is_asked_what_rbac_does_not_allow_and_its_answers_are_kept(
    clock: FakeClock, tmp_path: Path
) -> None:
    async with review_service(tmp_path, decide) as service:
        path = write(tmp_path / "authorization.yaml", NODE, RBAC, webhook(service))
        async with serving(clock, path) as api:
            for _ in range(3):
                assert (
                    await api("GET", f"{MAPS}?fieldSelector=metadata.name%3Dx&labelSelector=a+in+(b)")
                ).status == 200
            assert len(service.asked) == 1
            assert service.asked[0]["spec"] == {
                "user": "jane",
                "uid": "7",
                "groups": ["devs", "system:authenticated"],
                "extra": {"example.com/team": ["a"]},
                "resourceAttributes": {
                    "namespace": "default",
                    "verb": "list",
                    "version": "v1",
                    "resource": "configmaps",
                    "name": "x",
                    "fieldSelector": {"requirements": [{"key": "metadata.name", "operator": "In", "values": ["x"]}]},
                    "labelSelector": {"requirements": [{"key": "a", "operator": "In", "values": ["b"]}]},
                },
            }
            answer = await api("GET", PODS)
            assert answer.status == 403
            assert answer.message == (
                'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default": '
                "far away"
            )
            await clock.advance(301)
            await api("GET", f"{MAPS}?fieldSelector=metadata.name%3Dx&labelSelector=a+in+(b)")
            assert len(service.asked) == 3


async def test_a_denial_ends_the_chain_before_rbac(clock: FakeClock, tmp_path: Path) -> None:
    async with review_service(tmp_path, decide) as service:
        path = write(tmp_path / "authorization.yaml", webhook(service), RBAC)
        async with serving(clock, path) as api:
            api.user = ADMIN
            rules = [{"apiGroups": [""], "resources": ["secrets", "pods"], "verbs": ["list"]}]
            roles = "/apis/rbac.authorization.k8s.io/v1"
            await api.create(f"{roles}/clusterroles", {"metadata": {"name": "all"}, "rules": rules})
            subject = {"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}
            role = {"kind": "ClusterRole", "name": "all", "apiGroup": "rbac.authorization.k8s.io"}
            binding = {"metadata": {"name": "all"}, "subjects": [subject], "roleRef": role}
            await api.create(f"{roles}/clusterrolebindings", binding)
            api.user = JANE
            assert (await api("GET", PODS)).status == 200
            answer = await api("GET", "/api/v1/namespaces/default/secrets")
            assert (answer.status, answer.message.endswith(": never secrets")) == (403, True)
            api.user = ADMIN
            review = {"user": "jane", "groups": ["devs"]}
            attributes = {"verb": "list", "resource": "secrets", "namespace": "default"}
            body = {"spec": {**review, "resourceAttributes": attributes}}
            status = (await api("POST", f"{REVIEWS}/subjectaccessreviews", body)).body["status"]
            assert status == {"allowed": False, "denied": True, "reason": "never secrets"}
            api.user = JANE
            rules_body = {"spec": {"namespace": "default"}}
            status = (await api("POST", f"{REVIEWS}/selfsubjectrulesreviews", rules_body)).body["status"]
            assert status["incomplete"] is True, "nobody knows what the webhook would allow"
            assert {"verbs": ["list"], "apiGroups": [""], "resources": ["pods", "secrets"]} in status["resourceRules"]


async def test_a_webhook_is_asked_only_about_what_its_conditions_name(clock: FakeClock, tmp_path: Path) -> None:
    conditions = [
        {"expression": "has(request.resourceAttributes)"},
        {"expression": "request.resourceAttributes.namespace == 'default' && !('ops' in request.groups)"},
    ]
    more = {"matchConditions": conditions, "matchConditionSubjectAccessReviewVersion": "v1"}
    async with (
        review_service(tmp_path, decide) as service,
        serving(clock, write(tmp_path / "authorization.yaml", webhook(service, **more))) as api,
    ):
        assert (await api("GET", MAPS)).status == 200
        assert (await api("GET", "/api/v1/namespaces/other/configmaps")).status == 403
        assert (await api("GET", "/metrics")).status == 403
        assert len(service.asked) == 1


@pytest.mark.parametrize(("policy", "status"), [("NoOpinion", 200), ("Deny", 403)])
async def test_a_service_that_does_not_answer_counts_as_the_failure_policy_says(
    clock: FakeClock, tmp_path: Path, policy: str, status: int
) -> None:
    async with review_service(tmp_path, decide) as service:
        path = write(
            tmp_path / "a.yaml", webhook(service, failurePolicy=policy), {"type": "AlwaysAllow", "name": "all"}
        )
    async with serving(clock, path) as api:
        waiting = asyncio.ensure_future(api("GET", MAPS))
        while not waiting.done():
            await asyncio.sleep(0)
            await clock.advance(1)
        assert (await waiting).status == status


async def test_reviews_take_selectors_and_refuse_those_that_make_no_sense(clock: FakeClock) -> None:
    async with in_process_server(clock=clock, config=ServerConfig(rbac=True)) as server:
        api = Api(server, clock)

        async def review(attributes: dict[str, Any], user: str = "jane", groups: list[str] | None = None) -> Any:
            body = {"spec": {"user": user, "groups": groups or [], "resourceAttributes": attributes}}
            return await api("POST", f"{REVIEWS}/subjectaccessreviews", body)

        own = {"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n1"]}]}
        pods = {"verb": "list", "resource": "pods", "version": "v1"}
        node, groups = "system:node:n1", ["system:nodes"]
        assert (await review({**pods, "fieldSelector": own}, node, groups)).body["status"]["allowed"] is True
        raw = {"rawSelector": "spec.nodeName=n1"}
        assert (await review({**pods, "fieldSelector": raw}, node, groups)).body["status"]["allowed"] is True
        status = (await review(pods, node, groups)).body["status"]
        assert status["allowed"] is False and "can only list/watch pods with spec.nodeName" in status["reason"]
        assert (await review({**pods, "fieldSelector": {**own, **raw}})).status == 422
        assert (await review({**pods, "labelSelector": {}})).status == 422
        wrong = {"requirements": [{"key": "a", "operator": "Exists", "values": ["b"]}]}
        answer = await review({**pods, "labelSelector": wrong})
        assert "may not be specified when `operator` is 'Exists' or 'DoesNotExist'" in answer.message


@pytest.mark.parametrize(
    ("authorizers", "told"),
    [
        ([], "authorizers: Required value: at least one authorization mode must be defined"),
        ([RBAC, RBAC], 'authorizers[1].type: Duplicate value: "RBAC"'),
        ([{"type": "Magic", "name": "x"}], 'authorizers[0].type: Unsupported value: "Magic"'),
        ([{"type": "Webhook", "name": "x", "webhook": {}}], "authorizers[0].webhook.timeout: Required value"),
        ([{**RBAC, "webhook": {}}], "may only be specified when type=Webhook"),
    ],
)
async def test_a_wrong_configuration_is_told_with_its_field(
    clock: FakeClock, tmp_path: Path, authorizers: list[dict[str, Any]], told: str
) -> None:
    path = write(tmp_path / "authorization.yaml", *authorizers)
    with pytest.raises(ConfigurationError) as caught:
        async with serving(clock, path):
            pass
    assert told in str(caught.value)
