from __future__ import annotations

import time
from typing import Any

import pytest

from wherry.api.types import Object
from wherry.policy import bootstrap_roles
from wherry.policy.denial import forbidden, forbidden_path
from wherry.policy.rbac import Rules
from wherry.policy.user import AUTHENTICATED, MASTERS, User

ANN = User("ann", ("dev", AUTHENTICATED))


def role(name: str, *rules: Object, namespace: str = "") -> Object:
    where = {"namespace": namespace} if namespace else {}
    return {"kind": "Role" if namespace else "ClusterRole", "metadata": {"name": name, **where}, "rules": list(rules)}


def binding(name: str, to: str, *subjects: Object, namespace: str = "", kind: str = "ClusterRole") -> Object:
    where = {"namespace": namespace} if namespace else {}
    return {
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": {"name": name, **where},
        "roleRef": {"kind": kind, "name": to},
        "subjects": list(subjects),
    }


def rule(verbs: str, resources: str, groups: tuple[str, ...] = ("",), **rest: Any) -> Object:
    return {"verbs": verbs.split(), "apiGroups": list(groups), "resources": resources.split(), **rest}


def subject(name: str, kind: str = "User", **rest: str) -> Object:
    return {"kind": kind, "name": name, **rest}


def allows(rules: Rules, verb: str, resource: str, *, user: User = ANN, group: str = "", **rest: str) -> bool:
    return rules.allowed(user, verb, group, resource, **rest)


def test_nothing_is_allowed_without_rules() -> None:
    assert not allows(Rules(), "get", "pods")


def test_cluster_binding_reaches_everywhere_and_role_binding_its_namespace() -> None:
    rules = Rules([role("r", rule("get list", "pods")), binding("b", "r", subject("ann"), namespace="a")])
    assert allows(rules, "get", "pods", namespace="a")
    assert not allows(rules, "get", "pods", namespace="b")
    assert not allows(rules, "list", "pods")
    rules.put(binding("c", "r", subject("dev", "Group")))
    assert allows(rules, "get", "pods", namespace="b")
    assert allows(rules, "list", "pods")
    assert not allows(rules, "delete", "pods")


@pytest.mark.parametrize(
    ("granted", "asked", "expected"),
    [
        (rule("*", "*", ("*",)), ("delete", "nodes", "x", ""), True),
        (rule("get", "pods"), ("get", "pods", "", "log"), False),
        (rule("get", "pods/log"), ("get", "pods", "", "log"), True),
        (rule("get", "pods/log"), ("get", "pods", "", ""), False),
        (rule("get", "*/scale", ("*",)), ("get", "deployments", "apps", "scale"), True),
        (rule("get", "*/scale", ("*",)), ("get", "deployments", "apps", ""), False),
        (rule("get", "*"), ("get", "pods", "", "log"), True),
        (rule("get", "deployments", ("apps",)), ("get", "deployments", "extensions", ""), False),
    ],
)
def test_matching(granted: Object, asked: tuple[str, str, str, str], expected: bool) -> None:
    rules = Rules([role("r", granted), binding("b", "r", subject("ann"))])
    verb, resource, group, subresource = asked
    assert rules.allowed(ANN, verb, group, resource, subresource=subresource) is expected


def test_resource_names() -> None:
    rules = Rules([role("r", rule("get", "secrets", resourceNames=["s"])), binding("b", "r", subject("ann"))])
    assert allows(rules, "get", "secrets", namespace="a", name="s")
    assert not allows(rules, "get", "secrets", namespace="a", name="t")
    assert not allows(rules, "get", "secrets", namespace="a")


def test_service_accounts() -> None:
    account = User("system:serviceaccount:a:robot")
    rules = Rules(
        [
            role("r", rule("get", "pods"), namespace="a"),
            binding("b", "r", subject("robot", "ServiceAccount", namespace="a"), namespace="a", kind="Role"),
        ]
    )
    assert allows(rules, "get", "pods", user=account, namespace="a")
    assert not allows(rules, "get", "pods", user=User("robot"), namespace="a")


def test_changes_take_effect_at_once() -> None:
    rules = Rules([role("r", rule("get", "pods")), binding("b", "r", subject("ann"))])
    assert allows(rules, "get", "pods")
    rules.put(role("r", rule("list", "pods")))
    assert not allows(rules, "get", "pods")
    assert allows(rules, "list", "pods")
    rules.put(binding("b", "r", subject("bob")))
    assert not allows(rules, "list", "pods")
    rules.put(binding("b", "r", subject("ann")))
    rules.remove(binding("b", "r"))
    assert not allows(rules, "list", "pods")


def test_urls() -> None:
    urls = {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/apis/*"]}
    rules = Rules([role("r", urls), binding("b", "r", subject("ann"))])
    assert rules.allowed_path(ANN, "get", "/healthz")
    assert rules.allowed_path(ANN, "get", "/apis/apps/v1")
    assert not rules.allowed_path(ANN, "get", "/apis")
    assert not rules.allowed_path(ANN, "post", "/healthz")


def test_a_missing_role_is_told() -> None:
    rules = Rules([binding("b", "gone", subject("ann"))])
    assert rules.trouble(ANN) == 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found'
    assert rules.trouble(User("bob")) == ""


def test_the_texts_of_a_denial() -> None:
    denial = forbidden(User("x"), "list", "", "pods", namespace="default")
    assert denial.message == (
        'pods is forbidden: User "x" cannot list resource "pods" in API group "" in the namespace "default"'
    )
    denial = forbidden(User("x"), "get", "apps", "deployments", subresource="scale", name="d", reason="why")
    assert denial.message == (
        'deployments.apps "d" is forbidden: User "x" cannot get resource "deployments/scale" in API group "apps" at the '
        "cluster scope: why"
    )
    assert forbidden_path(User("x"), "get", "/m").message == 'forbidden: User "x" cannot get path "/m"'


def test_a_decision_costs_a_few_microseconds() -> None:
    rules = Rules(bootstrap_roles.objects())
    user = User("ann", ("a", "b", AUTHENTICATED, MASTERS))
    best = 1.0
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(1000):
            rules.allowed(user, "get", "", "pods", namespace="default", name="x")
        best = min(best, (time.perf_counter() - began) / 1000)
    assert best < 10e-6
