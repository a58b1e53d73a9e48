"""Roles and role bindings. Source: pkg/apis/rbac/validation."""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.defaults.rbac import GROUP
from wherry.api.semantic import same
from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.labels import selector
from wherry.api.validation.rules import Rules
from wherry.machinery import names

_SUBJECT_KINDS = ("ServiceAccount", "User", "Group")


def _role(*, namespaced: bool) -> Callable[[Errors, Object], None]:
    def check(errors: Errors, obj: Object) -> None:
        for i, rule in enumerate(obj.get("rules") or ()):
            _rule(errors, rule, namespaced, f"rules[{i}]")
        aggregation = obj.get("aggregationRule")
        if aggregation is not None and not namespaced:
            _aggregation(errors, aggregation)

    return check


def _aggregation(errors: Errors, aggregation: Object) -> None:
    path, selectors = "aggregationRule.clusterRoleSelectors", aggregation.get("clusterRoleSelectors") or ()
    if not selectors:
        errors.required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil")
    for i, found in enumerate(selectors):
        selector(errors, found, f"{path}[{i}]")


def _rule(errors: Errors, rule: Object, namespaced: bool, path: str) -> None:
    urls, resources = rule.get("nonResourceURLs") or (), rule.get("resources") or ()
    if not rule.get("verbs"):
        errors.required(f"{path}.verbs", "verbs must contain at least one value")
    if urls:
        if namespaced:
            text = "namespaced rules cannot apply to non-resource URLs"
            errors.invalid(f"{path}.nonResourceURLs", urls, text)
        if rule.get("apiGroups") or resources or rule.get("resourceNames"):
            text = "rules cannot apply to both regular resources and non-resource URLs"
            errors.invalid(f"{path}.nonResourceURLs", urls, text)
        return
    if not rule.get("apiGroups"):
        errors.required(f"{path}.apiGroups", "resource rules must supply at least one api group")
    if not resources:
        errors.required(f"{path}.resources", "resource rules must supply at least one resource")


def _binding(*, namespaced: bool) -> Callable[[Errors, Object], None]:
    kinds = ("Role", "ClusterRole") if namespaced else ("ClusterRole",)

    def check(errors: Errors, obj: Object) -> None:
        ref = obj.get("roleRef") or {}
        if ref.get("apiGroup") != GROUP:
            errors.not_supported("roleRef.apiGroup", ref.get("apiGroup") or "", (GROUP,))
        if ref.get("kind") not in kinds:
            errors.not_supported("roleRef.kind", ref.get("kind") or "", kinds)
        name = ref.get("name")
        if not name:
            errors.required("roleRef.name")
        else:
            errors.each("roleRef.name", name, names.path_segment(name))
        for i, subject in enumerate(obj.get("subjects") or ()):
            _subject(errors, subject, namespaced, f"subjects[{i}]")

    return check


def _subject(errors: Errors, subject: Object, namespaced: bool, path: str) -> None:
    name, kind, group = (subject.get(key) or "" for key in ("name", "kind", "apiGroup"))
    if not name:
        errors.required(f"{path}.name")
    if kind == "ServiceAccount":
        if name:
            errors.each(f"{path}.name", name, names.dns1123_subdomain(name))
        if group:
            errors.not_supported(f"{path}.apiGroup", group, ("",))
        if not namespaced and not subject.get("namespace"):
            errors.required(f"{path}.namespace")
    elif kind in ("User", "Group"):
        if not name:
            errors.invalid(f"{path}.name", name, f"{kind.lower()} name cannot be empty")
        if group != GROUP:
            errors.not_supported(f"{path}.apiGroup", group, (GROUP,))
    else:
        errors.not_supported(f"{path}.kind", kind, _SUBJECT_KINDS)


def _update_binding(*, namespaced: bool) -> Callable[[Errors, Object, Object], None]:
    check = _binding(namespaced=namespaced)

    def update(errors: Errors, new: Object, old: Object) -> None:
        check(errors, new)
        if not same(new.get("roleRef"), old.get("roleRef")):
            errors.invalid("roleRef", new.get("roleRef"), "cannot change roleRef")

    return update


ROLES = Rules(name=names.path_segment, create=_role(namespaced=True))
CLUSTER_ROLES = Rules(name=names.path_segment, create=_role(namespaced=False))
ROLE_BINDINGS = Rules(
    name=names.path_segment, create=_binding(namespaced=True), update=_update_binding(namespaced=True)
)
CLUSTER_ROLE_BINDINGS = Rules(
    name=names.path_segment, create=_binding(namespaced=False), update=_update_binding(namespaced=False)
)
