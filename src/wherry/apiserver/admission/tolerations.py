"""DefaultTolerationSeconds: pods stay five minutes on a node that is not ready or cannot be reached.

Source: plugin/pkg/admission/defaulttolerationseconds.
"""

from __future__ import annotations

from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes

SECONDS = 300
TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def on_write(attributes: Attributes) -> None:
    pod = attributes.obj
    if pod is None:
        return
    spec: Object = pod["spec"]
    tolerations: list[Object] = spec.get("tolerations") or []
    added = [
        {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS}
        for taint in TAINTS
        if not any(_tolerates(each, taint) for each in tolerations)
    ]
    if added:
        spec["tolerations"] = [*tolerations, *added]


def _tolerates(toleration: Object, taint: str) -> bool:
    return (toleration.get("key") or taint) == taint and (toleration.get("effect") or "NoExecute") == "NoExecute"
