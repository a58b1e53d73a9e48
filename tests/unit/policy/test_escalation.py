from __future__ import annotations

from typing import Any

import pytest

from wherry.api.errors import Forbidden
from wherry.api.types import Object
from wherry.policy.escalation import check_binding, check_role
from wherry.policy.rbac import GROUP, Rules
from wherry.policy.user import MASTERS, User

ANN = User("ann", ("dev", "ops"))
ROOT = User("root", (MASTERS,))


def role(name: str, *rules: Object, **rest: Any) -> Object:
    return {"kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules), **rest}


def binding(name: str, to: str, user: str = "bob") -> Object:
    return {
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"kind": "ClusterRole", "name": to},
        "subjects": [{"kind": "User", "name": user}],
    }


def rule(verbs: str, resources: str, group: str = "", **rest: Any) -> Object:
    return {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split(), **rest}


def refused(check: Any, rules: Rules, obj: Object) -> str:
    with pytest.raises(Forbidden) as caught:
        check(rules, ANN, obj)
    return caught.value.message


def test_a_role_within_ones_own_rules() -> None:
    rules = Rules([role("mine", rule("get list", "pods"), rule("*", "secrets")), binding("b", "mine", "ann")])
    check_role(rules, ANN, role("r", rule("get", "pods"), rule("delete", "secrets", resourceNames=["x"])))


def test_a_role_beyond_them() -> None:
    rules = Rules([role("mine", rule("get", "pods")), binding("b", "mine", "ann")])
    wanted = role("r", rule("get list watch", "pods"), rule("get", "nodes", "", resourceNames=["n"]))
    assert refused(check_role, rules, wanted) == (
        'clusterroles.rbac.authorization.k8s.io "r" is forbidden: user "ann" (groups=["dev" "ops"]) is attempting to grant '
        "RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["nodes"], ResourceNames:["n"], Verbs:["get"]}\n'
        '{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}'
    )
    check_role(rules, ROOT, wanted)


def test_who_may_escalate_may() -> None:
    rules = Rules([role("mine", rule("escalate", "clusterroles", GROUP)), binding("b", "mine", "ann")])
    check_role(rules, ANN, role("r", rule("*", "*", "*")))


def test_aggregation_needs_everything() -> None:
    wanted = role("r", aggregationRule={"clusterRoleSelectors": []})
    assert refused(check_role, Rules(), wanted).endswith("must have cluster-admin privileges to use an aggregationRule")
    everything = role("all", rule("*", "*", "*"), {"verbs": ["*"], "nonResourceURLs": ["*"]})
    check_role(Rules([everything, binding("b", "all", "ann")]), ANN, wanted)


def test_a_binding_needs_the_roles_rules_or_bind() -> None:
    strong = role("strong", rule("delete", "nodes"), {"verbs": ["get"], "nonResourceURLs": ["/metrics"]})
    rules = Rules([strong])
    message = refused(check_binding, rules, binding("b", "strong"))
    assert message.endswith(
        'held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["delete"]}\n{NonResourceURLs:["/metrics"], Verbs:["get"]}'
    )
    may_bind = role("binder", rule("bind", "clusterroles", GROUP, resourceNames=["strong"]))
    check_binding(Rules([strong, may_bind, binding("m", "binder", "ann")]), ANN, binding("b", "strong"))
    assert refused(check_binding, rules, binding("b", "gone")).endswith(
        'clusterroles.rbac.authorization.k8s.io "gone" not found'
    )
