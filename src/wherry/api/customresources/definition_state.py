"""What a definition says of its own state: its conditions, and whether its group's owners approved of it.

Source: k8s.io/apiextensions-apiserver/pkg/apihelpers; KEP-2337 (API review of CRDs in the groups of Kubernetes).
"""

from __future__ import annotations

from wherry.api.types import Object

APPROVAL = "api-approved.kubernetes.io"
_PROTECTED = ("k8s.io", "kubernetes.io")


def established(obj: Object) -> bool:
    return condition_is_true(obj, "Established")


def condition_is_true(obj: Object, type_: str) -> bool:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == type_ and each.get("status") == "True" for each in conditions)


def approval(obj: Object) -> tuple[str, str]:
    """The state of the approval annotation (`missing`, `bypassed`, `approved` or `invalid`) and a message."""
    value = (obj["metadata"].get("annotations") or {}).get(APPROVAL)
    if not value:
        url = "https://github.com/kubernetes/enhancements/pull/1111"
        return "missing", f'protected groups must have approval annotation "{APPROVAL}", see {url}'
    if value.startswith("unapproved"):
        return "bypassed", f'not approved: "{value}"'
    if value.startswith(("http://", "https://")) and value.partition("://")[2]:
        return "approved", f"approved in {value}"
    why = 'protected groups must have approval annotation "%s" with either a URL or a reason starting with "unapproved"'
    return "invalid", why % APPROVAL


def is_protected(group: str) -> bool:
    """Groups that belong to the Kubernetes community."""
    return group in _PROTECTED or group.endswith(tuple(f".{each}" for each in _PROTECTED))
