"""The volume that is made for a claim, and what no local volume can be. Pure."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.controllers.volumes.binding import reference_to
from wherry.policy.volumes import facts

NODE = "wherry.dev/node"
"""Annotation of a volume: where its directory is."""
HOSTNAME = "kubernetes.io/hostname"
_MANY = frozenset({"ReadWriteMany", "ReadOnlyMany"})


class NotPossible(Exception):
    """A claim that gets no volume as it is; the message says why."""


def check(claim: Object, class_: Object) -> None:
    """Raises `NotPossible`."""
    spec = claim["spec"]
    if spec.get("selector"):
        raise NotPossible("claim.Spec.Selector is not supported")
    if facts.mode_of(claim) == "Block":
        raise NotPossible("block volumes are not supported")
    if spec.get("dataSource") or spec.get("dataSourceRef"):
        raise NotPossible("a data source is not supported: volumes are made empty")
    if unknown := sorted(class_.get("parameters") or {}):
        raise NotPossible(f"unknown parameter {unknown[0]!r}: this provisioner takes none")


def volume_for(
    claim: Object, class_: Object, node: Object, *, name: str, path: str, provisioner: str, finalizer: str
) -> Object:
    policy = class_.get("reclaimPolicy") or "Delete"
    spec = {
        "accessModes": claim["spec"]["accessModes"],
        "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
        "claimRef": reference_to(claim),
        "local": {"path": path},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [_reach(claim, node)]}]}},
        "persistentVolumeReclaimPolicy": policy,
        "storageClassName": class_["metadata"]["name"],
        "volumeMode": facts.mode_of(claim),
    }
    if class_.get("mountOptions"):
        spec["mountOptions"] = class_["mountOptions"]
    metadata = {
        "name": name,
        "annotations": {facts.PROVISIONED_BY: provisioner, NODE: node["metadata"]["name"]},
        "finalizers": [finalizer] if policy == "Delete" else [],
    }
    return {"metadata": metadata, "spec": spec}


def _reach(claim: Object, node: Object) -> Object:
    """All nodes are on one machine: a volume for many is reachable from each."""
    if _MANY & set(claim["spec"]["accessModes"]):
        return {"key": HOSTNAME, "operator": "Exists"}
    labels = node["metadata"].get("labels") or {}
    return {"key": HOSTNAME, "operator": "In", "values": [labels.get(HOSTNAME) or node["metadata"]["name"]]}
