"""Defaults of role bindings: the API group that a role or subject means. Source: pkg/apis/rbac/v1/defaults.go."""

from __future__ import annotations

from wherry.api.defaults.fields import if_zero, section
from wherry.api.types import Object

GROUP = "rbac.authorization.k8s.io"


def binding(obj: Object) -> None:
    """A RoleBinding or ClusterRoleBinding."""
    if_zero(section(obj, "roleRef"), "apiGroup", GROUP)
    for subject in obj.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            if_zero(subject, "apiGroup", GROUP)
