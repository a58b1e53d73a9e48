"""Whether a pod's own node selector and required node affinity allow a node. Pure."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.policy.node_selector import selects


def allows(spec: Object, node: Object) -> bool:
    """A pod spec's `nodeSelector` and `requiredDuringSchedulingIgnoredDuringExecution`, both."""
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return selects(required.get("nodeSelectorTerms") or (), labels, node["metadata"]["name"])


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
