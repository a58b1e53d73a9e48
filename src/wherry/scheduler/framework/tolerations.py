"""Taints and tolerations. Source: k8s.io/component-helpers/scheduling/corev1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Toleration = Mapping[str, Any]
Taint = Mapping[str, Any]


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """An empty effect means all effects, an empty key with Exists all keys."""
    effect, key = toleration.get("effect"), toleration.get("key")
    if effect and effect != taint.get("effect"):
        return False
    if key and key != taint.get("key"):
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists":
        return True
    value, other = toleration.get("value") or "", taint.get("value") or ""
    return bool(operator == "Equal" and value == other)


def tolerated(taint: Taint, tolerations: Iterable[Toleration]) -> bool:
    return any(tolerates(toleration, taint) for toleration in tolerations)


def untolerated(taints: Sequence[Taint], tolerations: Sequence[Toleration]) -> Taint | None:
    """The first taint that none of the tolerations covers."""
    for taint in taints:
        if not tolerated(taint, tolerations):
            return taint
    return None
