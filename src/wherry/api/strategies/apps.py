"""Daemon sets number their templates in an annotation, a field of the first API versions that clients still look at.

Source: pkg/registry/apps/daemonset/strategy.go, pkg/apis/apps/v1/conversion.go.
"""

from __future__ import annotations

from wherry.api.semantic import same
from wherry.api.types import Object

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def _number(obj: Object) -> int:
    try:
        return int((obj["metadata"].get("annotations") or {})[TEMPLATE_GENERATION])
    except (KeyError, ValueError):
        return 0


def _set(obj: Object, number: int) -> None:
    metadata = obj["metadata"]
    metadata["annotations"] = {**(metadata.get("annotations") or {}), TEMPLATE_GENERATION: str(number)}


def daemon_set(obj: Object) -> None:
    """The first template, whatever the caller says."""
    _set(obj, 1)


def daemon_set_update(new: Object, old: Object) -> None:
    """One more where the template changed."""
    changed = not same(new["spec"].get("template"), old["spec"].get("template"))
    _set(new, _number(old) + changed)


def daemon_set_status(new: Object, old: Object) -> None:
    _set(new, _number(old))
