"""Nobody gives away more than they have: checks for writing roles and bindings.

A role may be written by who holds all its rules, or may `escalate` it; a binding by who holds all rules of the role, or
may `bind` it. Members of system:masters may do anything.
Source: "Privilege escalation prevention and bootstrapping" in the Kubernetes documentation.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.types import Object
from wherry.policy.denial import forbidden_because
from wherry.policy.rbac import GROUP, Rules
from wherry.policy.rules import Rule, compile_rules, describe, missing, quoted
from wherry.policy.user import MASTERS, User

_PLURALS = {
    "Role": "roles",
    "ClusterRole": "clusterroles",
    "RoleBinding": "rolebindings",
    "ClusterRoleBinding": "clusterrolebindings",
}

_EVERY = frozenset("*")
_EVERYTHING = (Rule(verbs=_EVERY, groups=_EVERY, resources=_EVERY), Rule(verbs=_EVERY, urls=_EVERY))


def check_role(rules: Rules, user: User, role: Object) -> None:
    """Raises `Forbidden` when the user may not write this Role or ClusterRole."""
    kind, name, namespace = role["kind"], role["metadata"].get("name", ""), role["metadata"].get("namespace", "")
    if MASTERS in user.groups or rules.allowed(user, "escalate", GROUP, _PLURALS[kind], namespace=namespace, name=name):
        return
    if role.get("aggregationRule") and missing(rules.rules_for(user), _EVERYTHING):
        why = "must have cluster-admin privileges to use an aggregationRule"
        raise forbidden_because(GROUP, _PLURALS[kind], name, why)
    _check(rules, user, namespace, compile_rules(role.get("rules")), _PLURALS[kind], name)


def check_binding(rules: Rules, user: User, binding: Object) -> None:
    """Raises `Forbidden` when the user may not write this RoleBinding or ClusterRoleBinding."""
    metadata, role = binding["metadata"], binding["roleRef"]
    namespace, plural = metadata.get("namespace", ""), _PLURALS[role["kind"]]
    if MASTERS in user.groups or rules.allowed(user, "bind", GROUP, plural, namespace=namespace, name=role["name"]):
        return
    resource, name = _PLURALS[binding["kind"]], metadata.get("name", "")
    wanted = rules.role_rules(role["kind"], namespace, role["name"])
    if wanted is None:
        raise forbidden_because(GROUP, resource, name, f'{plural}.{GROUP} "{role["name"]}" not found')
    _check(rules, user, namespace, wanted, resource, name)


def _check(rules: Rules, user: User, namespace: str, wanted: Sequence[Rule], resource: str, name: str) -> None:
    lacking = missing(rules.rules_for(user, namespace), wanted)
    if not lacking:
        return
    lines = "\n".join(sorted({describe(rule) for rule in lacking}))
    why = (
        f'user "{user.name}" (groups={quoted(user.groups)}) is attempting to grant RBAC permissions not currently '
        f"held:\n{lines}"
    )
    trouble = rules.trouble(user, namespace)
    why += f"; resolution errors: [{trouble.removeprefix('RBAC: ')}]" if trouble else ""
    raise forbidden_because(GROUP, resource, name, why)
