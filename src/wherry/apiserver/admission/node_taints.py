"""TaintNodesByCondition: a new node takes no pods until the node lifecycle controller has seen it ready.

Source: plugin/pkg/admission/nodetaint.
"""

from __future__ import annotations

from wherry.apiserver.admission.attributes import Attributes

_NOT_READY = "node.kubernetes.io/not-ready"


def on_create(attributes: Attributes) -> None:
    node = attributes.obj
    if node is None:
        return
    spec = node.setdefault("spec", {})
    taints = spec.get("taints") or []
    if not any(taint.get("key") == _NOT_READY and taint.get("effect") == "NoSchedule" for taint in taints):
        spec["taints"] = [*taints, {"key": _NOT_READY, "effect": "NoSchedule"}]
