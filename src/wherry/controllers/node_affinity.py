"""Whether a pod's own node selector and required node affinity allow a node. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.api.types import Object


def allows(spec: Object, node: Object) -> bool:
    """A pod spec's `nodeSelector` and `requiredDuringSchedulingIgnoredDuringExecution`, both."""
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(_term(term, labels, node["metadata"]["name"]) for term in required.get("nodeSelectorTerms") or ())


def _term(term: Object, labels: Mapping[str, str], name: str) -> bool:
    """All of a term's requirements; a term without any matches nothing."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    return all(_requirement(r, labels) for r in expressions) and all(
        _requirement(r, {"metadata.name": name}) for r in fields
    )


def _requirement(requirement: Object, values: Mapping[str, str]) -> bool:
    key, wanted = requirement["key"], list(requirement.get("values") or ())
    value = values.get(key)
    match requirement["operator"]:
        case "In":
            return value in wanted
        case "NotIn":
            return value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            try:
                number, limit = int(value or ""), int(wanted[0])
            except (ValueError, IndexError):
                return False
            return number > limit if operator == "Gt" else number < limit
    return False


def only_on(spec: Object, name: str) -> Object:
    """The spec with required affinity to one node by its name, in place of what it required before by name."""
    affinity = dict(spec.get("affinity") or {})
    node_affinity = dict(affinity.get("nodeAffinity") or {})
    required = node_affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    pin = [{"key": "metadata.name", "operator": "In", "values": [name]}]
    terms = [{**term, "matchFields": pin} for term in required.get("nodeSelectorTerms") or ()]
    node_affinity["requiredDuringSchedulingIgnoredDuringExecution"] = {
        "nodeSelectorTerms": terms or [{"matchFields": pin}]
    }
    return {**spec, "affinity": {**affinity, "nodeAffinity": node_affinity}}


def pinned_to(spec: Object) -> str:
    """The node that `only_on` pinned a pod to; empty for none."""
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field["key"] == "metadata.name" and field["operator"] == "In" and len(field["values"]) == 1:
                return field["values"][0]
    return ""
