"""The RBAC objects that a new cluster starts with, as the API server stores them.

`objects()` gives ClusterRoles, ClusterRoleBindings, Roles and RoleBindings as upstream v1.36 has them: marked with
`kubernetes.io/bootstrapping: rbac-defaults`, and kept up to date at every start while their annotation says so. Roles
that are made of others come with their rules already filled in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from wherry.api.types import Object
from wherry.policy.aggregation import aggregated_rules
from wherry.policy.bootstrap_cluster_roles import (
    AGGREGATED,
    AGGREGATED_PARTS,
    CLUSTER_BINDINGS,
    CLUSTER_ROLES,
    EVENTS,
    READ,
    RuleText,
)
from wherry.policy.bootstrap_controller_roles import CONTROLLER_ROLES

AUTOUPDATE: Final = "rbac.authorization.kubernetes.io/autoupdate"
_GROUP = "rbac.authorization.k8s.io"
_LEADER: tuple[RuleText, ...] = (
    ("create get list update watch", "coordination.k8s.io", "leases"),
    ("create get list update watch", "coordination.k8s.io", "leasecandidates"),
)

_ROLES: dict[tuple[str, str], tuple[RuleText, ...]] = {
    ("kube-public", "system:controller:bootstrap-signer"): (
        (READ, "core", "configmaps"),
        ("update", "core", "configmaps", "cluster-info"),
        EVENTS,
    ),
    ("kube-system", "extension-apiserver-authentication-reader"): (
        (READ, "core", "configmaps", "extension-apiserver-authentication"),
    ),
    ("kube-system", "system::leader-locking-kube-controller-manager"): _LEADER,
    ("kube-system", "system::leader-locking-kube-scheduler"): _LEADER,
    ("kube-system", "system:controller:bootstrap-signer"): ((READ, "core", "secrets"),),
    ("kube-system", "system:controller:cloud-provider"): (("create get list watch", "core", "configmaps"),),
    ("kube-system", "system:controller:token-cleaner"): (("delete get list watch", "core", "secrets"), EVENTS),
}
_MANAGER, _SCHEDULER = "User:system:kube-controller-manager", "User:system:kube-scheduler"
_BINDINGS: dict[tuple[str, str], tuple[str, str]] = {
    ("kube-public", "system:controller:bootstrap-signer"): (
        "system:controller:bootstrap-signer",
        "ServiceAccount:kube-system:bootstrap-signer",
    ),
    ("kube-system", "system::extension-apiserver-authentication-reader"): (
        "extension-apiserver-authentication-reader",
        f"{_MANAGER} {_SCHEDULER}",
    ),
    ("kube-system", "system::leader-locking-kube-controller-manager"): (
        "system::leader-locking-kube-controller-manager",
        f"{_MANAGER} ServiceAccount:kube-system:kube-controller-manager "
        "ServiceAccount:kube-system:leader-election-controller",
    ),
    ("kube-system", "system::leader-locking-kube-scheduler"): (
        "system::leader-locking-kube-scheduler",
        f"{_SCHEDULER} ServiceAccount:kube-system:kube-scheduler",
    ),
    ("kube-system", "system:controller:bootstrap-signer"): (
        "system:controller:bootstrap-signer",
        "ServiceAccount:kube-system:bootstrap-signer",
    ),
    ("kube-system", "system:controller:cloud-provider"): (
        "system:controller:cloud-provider",
        "ServiceAccount:kube-system:cloud-provider",
    ),
    ("kube-system", "system:controller:token-cleaner"): (
        "system:controller:token-cleaner",
        "ServiceAccount:kube-system:token-cleaner",
    ),
}
"""By namespace and name: the role, and its subjects."""


def objects() -> list[Object]:
    """All of them, roles before their bindings; the namespaces kube-system and kube-public must exist for some."""
    return [*cluster_roles(), *cluster_role_bindings(), *roles(), *role_bindings()]


def cluster_roles() -> list[Object]:
    found = [_role(name, rules) for name, rules in CLUSTER_ROLES.items()]
    found += [_role(f"system:controller:{name}", rules) for name, rules in CONTROLLER_ROLES.items()]
    found += [_role(f"system:aggregate-to-{name}", rules, parts_of=(name,)) for name, rules in AGGREGATED_PARTS.items()]
    # Not Kubernetes' own: metrics-server brings it along, and here its API is built in.
    reader = ("get list watch", "metrics.k8s.io", "pods nodes")
    found.append(_role("system:aggregated-metrics-reader", (reader,), parts_of=("view", "edit", "admin")))
    # From the innermost outwards: view is part of edit, edit of admin.
    for name, parts_of in reversed(AGGREGATED.items()):
        role = _role(name, (), parts_of=parts_of)
        role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {_part_label(name): "true"}}]}
        role["rules"] = aggregated_rules(role, found)
        found.append(role)
    return sorted(found, key=lambda role: role["metadata"]["name"])


def cluster_role_bindings() -> list[Object]:
    bindings = [_binding(name, name, subjects.split()) for name, subjects in CLUSTER_BINDINGS.items()]
    bindings += [
        _binding(role, role, [f"ServiceAccount:kube-system:{name}"])
        for name in CONTROLLER_ROLES
        for role in (f"system:controller:{name}",)
    ]
    return sorted(bindings, key=lambda binding: binding["metadata"]["name"])


def roles() -> list[Object]:
    return [_role(name, rules, namespace=namespace) for (namespace, name), rules in _ROLES.items()]


def role_bindings() -> list[Object]:
    return [
        _binding(name, role, subjects.split(), namespace=namespace)
        for (namespace, name), (role, subjects) in _BINDINGS.items()
    ]


def _metadata(name: str, namespace: str, parts_of: Sequence[str] = ()) -> Object:
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults", **{_part_label(part): "true" for part in parts_of}}
    where = {"namespace": namespace} if namespace else {}
    return {"name": name, **where, "labels": labels, "annotations": {AUTOUPDATE: "true"}}


def _role(name: str, rules: Sequence[RuleText], *, namespace: str = "", parts_of: Sequence[str] = ()) -> Object:
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "Role" if namespace else "ClusterRole",
        "metadata": _metadata(name, namespace, parts_of),
        "rules": [_rule(*rule) for rule in rules],
    }


def _rule(verbs: str, groups: str, resources: str, names: str = "") -> Object:
    if not groups:
        return {"verbs": verbs.split(), "nonResourceURLs": resources.split()}
    rule: Object = {
        "verbs": verbs.split(),
        "apiGroups": ["" if group == "core" else group for group in groups.split()],
        "resources": resources.split(),
    }
    if names:
        rule["resourceNames"] = names.split()
    return rule


def _binding(name: str, role: str, subjects: Sequence[str], *, namespace: str = "") -> Object:
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": _metadata(name, namespace),
        "roleRef": {"apiGroup": _GROUP, "kind": "Role" if namespace else "ClusterRole", "name": role},
        "subjects": [_subject(*subject.split(":", 1)) for subject in subjects],
    }


def _subject(kind: str, name: str) -> dict[str, Any]:
    if kind == "ServiceAccount":
        namespace, _, account = name.partition(":")
        return {"kind": kind, "name": account, "namespace": namespace}
    return {"kind": kind, "apiGroup": _GROUP, "name": name}


def _part_label(role: str) -> str:
    return f"rbac.authorization.k8s.io/aggregate-to-{role}"
