"""PodTopologyLabels: a pod is told by labels in which zone and region its node is.

Source: plugin/pkg/admission/podtopologylabels, KEP-4742.
"""

from __future__ import annotations

from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix

_NODES = storage_prefix("", "nodes")
_LABELS = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")


def on_bind(attributes: Attributes) -> None:
    """The binding carries the labels to the pod."""
    target = (attributes.obj or {}).get("target") or {}
    if attributes.obj is not None and target.get("kind") in (None, "", "Node"):
        _label(attributes, attributes.obj, target.get("name") or "")


def on_create(attributes: Attributes) -> None:
    """A pod that comes with its node, as those of a node's own manifests do."""
    pod = attributes.obj
    if pod is not None and (node := pod["spec"].get("nodeName")):
        _label(attributes, pod, node)


def _label(attributes: Attributes, obj: Object, node: str) -> None:
    entry = attributes.parts.store.get(_NODES + node)
    if entry is None:
        return
    labels = decoded(entry)["metadata"].get("labels") or {}
    if found := {key: labels[key] for key in _LABELS if key in labels}:
        obj["metadata"]["labels"] = {**(obj["metadata"].get("labels") or {}), **found}
