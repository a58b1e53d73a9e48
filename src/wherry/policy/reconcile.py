"""Keeping the bootstrap roles and bindings complete over upgrades.

At every start what is missing is added; what an administrator added stays; an object whose autoupdate annotation is not
`"true"` is left alone. Source: "Auto-reconciliation" in the Kubernetes documentation of RBAC.
"""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.policy.bootstrap_roles import AUTOUPDATE
from wherry.policy.rules import as_object, compile_rules, missing


def reconcile(existing: Object, wanted: Object) -> Object | None:
    """The object to write in place of `existing`, or None when it has all that is wanted. Neither is changed."""
    metadata = existing["metadata"]
    if (metadata.get("annotations") or {}).get(AUTOUPDATE, "true") != "true":
        return None
    result: Object = {**existing, "metadata": {**metadata, **_marks(metadata, wanted["metadata"])}}
    if "roleRef" in wanted:
        result["subjects"] = _subjects(existing, wanted)
    elif "aggregationRule" in wanted:
        result["aggregationRule"] = wanted["aggregationRule"]
    else:
        result["rules"] = _rules(existing, wanted)
    return None if result == existing else result


def _marks(metadata: Object, wanted: Object) -> Object:
    """Labels and annotations; those that are there win."""
    merged = {key: {**wanted.get(key, {}), **(metadata.get(key) or {})} for key in ("labels", "annotations")}
    return {key: marks for key, marks in merged.items() if marks}


def _rules(existing: Object, wanted: Object) -> list[Any]:
    rules = existing.get("rules") or []
    lacking = missing(compile_rules(rules), compile_rules(wanted.get("rules")))
    return [*rules, *map(as_object, lacking)]


def _subjects(existing: Object, wanted: Object) -> list[Any]:
    subjects = existing.get("subjects") or []
    return [*subjects, *(subject for subject in wanted.get("subjects") or () if subject not in subjects)]
