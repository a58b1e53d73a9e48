from __future__ import annotations

import pytest

from wherry.api.schema.decode import decoder
from wherry.policy import bootstrap_roles
from wherry.policy.rbac import Rules
from wherry.policy.user import ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, User

RULES = Rules(bootstrap_roles.objects())


def test_they_are_objects_of_their_kinds() -> None:
    for obj in bootstrap_roles.objects():
        check = decoder(obj["apiVersion"], obj["kind"])
        assert check is not None
        assert check.clean(obj) == []
        assert obj["metadata"]["labels"]["kubernetes.io/bootstrapping"] == "rbac-defaults"
        assert obj["metadata"]["annotations"] == {"rbac.authorization.kubernetes.io/autoupdate": "true"}


def test_every_binding_has_its_role() -> None:
    for obj in bootstrap_roles.cluster_role_bindings() + bootstrap_roles.role_bindings():
        reference, namespace = obj["roleRef"], obj["metadata"].get("namespace", "")
        assert RULES.role_rules(reference["kind"], namespace, reference["name"]) is not None, obj["metadata"]["name"]


@pytest.mark.parametrize(
    ("user", "verb", "group", "resource", "expected"),
    [
        (User("admin", (MASTERS,)), "delete", "x", "anything", True),
        (User("ann", (AUTHENTICATED,)), "create", "authorization.k8s.io", "selfsubjectaccessreviews", True),
        (User("ann", (AUTHENTICATED,)), "get", "", "pods", False),
        (User("system:kube-scheduler"), "list", "", "nodes", True),
        (User("system:kube-scheduler"), "delete", "", "nodes", False),
        (User("system:serviceaccount:kube-system:deployment-controller"), "create", "apps", "replicasets", True),
        (User("system:serviceaccount:kube-system:generic-garbage-collector"), "delete", "any", "thing", True),
    ],
)
def test_what_they_allow(user: User, verb: str, group: str, resource: str, expected: bool) -> None:
    assert RULES.allowed(user, verb, group, resource) is expected


def test_urls_for_everybody() -> None:
    nobody, somebody = User(ANONYMOUS, (UNAUTHENTICATED,)), User("ann", (AUTHENTICATED,))
    assert RULES.allowed_path(nobody, "get", "/version")
    assert not RULES.allowed_path(nobody, "get", "/apis")
    assert RULES.allowed_path(somebody, "get", "/openapi/v3")
    assert not RULES.allowed_path(somebody, "get", "/metrics")


def test_aggregated_roles_hold_one_another() -> None:
    by_name = {obj["metadata"]["name"]: obj for obj in bootstrap_roles.cluster_roles()}
    view, edit, admin = (by_name[name]["rules"] for name in ("view", "edit", "admin"))
    assert view
    assert all(rule in edit for rule in view)
    assert all(rule in admin for rule in edit)
    assert {"verbs": ["create"], "apiGroups": [""], "resources": ["pods/eviction"]} in edit
    assert not any("secrets" in rule["resources"] for rule in view)
