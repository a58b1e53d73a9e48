from __future__ import annotations

import copy

from wherry.api.types import Object
from wherry.policy import bootstrap_roles
from wherry.policy.reconcile import reconcile


def named(name: str, objects: list[Object]) -> Object:
    return next(obj for obj in objects if obj["metadata"]["name"] == name)


ROLE = named("system:kube-dns", bootstrap_roles.cluster_roles())
BINDING = named("system:kube-dns", bootstrap_roles.cluster_role_bindings())


def test_nothing_to_do() -> None:
    for obj in bootstrap_roles.objects():
        assert reconcile(obj, obj) is None


def test_lost_rules_and_marks_come_back_and_additions_stay() -> None:
    own = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}
    changed = {**ROLE, "metadata": {"name": "system:kube-dns", "labels": {"mine": "1"}}, "rules": [own]}
    before = copy.deepcopy(changed)
    result = reconcile(changed, ROLE)
    assert result is not None
    assert result["rules"][0] == own
    assert {"verbs": ["list", "watch"], "apiGroups": [""], "resources": ["services"]} in result["rules"]
    assert result["metadata"]["labels"] == {"mine": "1", "kubernetes.io/bootstrapping": "rbac-defaults"}
    assert changed == before
    assert reconcile(result, ROLE) is None


def test_lost_subjects_come_back() -> None:
    result = reconcile({**BINDING, "subjects": []}, BINDING)
    assert result is not None
    assert result["subjects"] == BINDING["subjects"]


def test_hands_off() -> None:
    mine = {**ROLE, "metadata": {**ROLE["metadata"], "annotations": {bootstrap_roles.AUTOUPDATE: "false"}}, "rules": []}
    assert reconcile(mine, ROLE) is None
