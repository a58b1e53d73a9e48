"""Persistent volumes, their claims, storage classes."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.types import Object
from wherry.cli.describing.cluster import Cluster
from wherry.cli.describing.events import events
from wherry.cli.describing.metadata import labels_and_annotations, names
from wherry.cli.describing.volumes import source
from wherry.cli.describing.words import NONE, UNSET, access_modes, age, go_list, moment
from wherry.cli.describing.writer import Writer

_SETTINGS = ("accessModes", "capacity", "claimRef", "nodeAffinity", "mountOptions", "persistentVolumeReclaimPolicy")


async def volume(out: Writer, obj: Object, cluster: Cluster) -> None:
    metadata, spec, status = obj["metadata"], obj["spec"], obj.get("status") or {}
    out.field("Name", metadata["name"])
    labels_and_annotations(out, obj)
    out.field("Finalizers", go_list(metadata.get("finalizers")))
    out.field("StorageClass", spec.get("storageClassName") or "")
    _phase(out, obj, cluster.now)
    claim = spec.get("claimRef")
    out.field("Claim", f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "")
    out.field("Reclaim Policy", spec.get("persistentVolumeReclaimPolicy", ""))
    out.field("Access Modes", access_modes(spec.get("accessModes")))
    out.given("VolumeMode", spec.get("volumeMode"))
    out.field("Capacity", (spec.get("capacity") or {}).get("storage", "0"))
    _affinity(out, spec.get("nodeAffinity"))
    out.field("Message", status.get("message", ""))
    out.line("Source:")
    source(out, {key: value for key, value in spec.items() if key not in _SETTINGS})
    events(out, await cluster.events_of(obj), cluster.now)


def _phase(out: Writer, obj: Object, now: float) -> None:
    if deleted := obj["metadata"].get("deletionTimestamp"):
        out.field("Status", f"Terminating (lasts {age(deleted, now)})")
    else:
        out.field("Status", (obj.get("status") or {}).get("phase", ""))


def _affinity(out: Writer, affinity: Object | None) -> None:
    if affinity is None:
        out.field("Node Affinity", NONE)
        return
    out.line("Node Affinity:\t")
    terms: Sequence[Object] = (affinity.get("required") or {}).get("nodeSelectorTerms") or ()
    out.line("Required Terms:\t" if terms else f"Required Terms:\t{NONE}", 1)
    for index, term in enumerate(terms):
        out.several(f"Term {index}", map(_requirement, term.get("matchExpressions") or ()), 2)


def _requirement(one: Object) -> str:
    text = f"{one['key']} {one['operator'].lower()}"
    return f"{text} [{', '.join(one['values'])}]" if one.get("values") else text


async def claim(out: Writer, obj: Object, cluster: Cluster) -> None:
    metadata, spec, status = obj["metadata"], obj["spec"], obj.get("status") or {}
    names(out, obj)
    out.field("StorageClass", spec.get("storageClassName") or "")
    _phase(out, obj, cluster.now)
    out.field("Volume", spec.get("volumeName", ""))
    labels_and_annotations(out, obj)
    out.field("Finalizers", go_list(metadata.get("finalizers")))
    bound = bool(spec.get("volumeName"))
    out.field("Capacity", (status.get("capacity") or {}).get("storage", "0") if bound else "")
    out.field("Access Modes", access_modes(status.get("accessModes")) if bound else "")
    out.given("VolumeMode", spec.get("volumeMode"))
    if data := spec.get("dataSource"):
        out.line("DataSource:")
        out.fields((("APIGroup", data.get("apiGroup")), ("Kind", data["kind"]), ("Name", data["name"])), 1)
    pods = await cluster.some("pods", namespace=metadata["namespace"])
    out.several("Used By", (pod["metadata"]["name"] for pod in pods if _uses(pod, metadata["name"])))
    if conditions := status.get("conditions"):
        out.line("Conditions:")
        out.line("Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage", 1)
        out.line("----\t------\t-----------------\t------------------\t------\t-------", 1)
        for one in conditions:
            times = [moment(one.get(field)) for field in ("lastProbeTime", "lastTransitionTime")]
            cells = (one["type"], one.get("status", ""), *times, one.get("reason", ""), one.get("message", ""))
            out.line(" \t".join(cells), 1)
    events(out, await cluster.events_of(obj), cluster.now)


def _uses(pod: Object, claim: str) -> bool:
    volumes = pod["spec"].get("volumes") or ()
    return any((one.get("persistentVolumeClaim") or {}).get("claimName") == claim for one in volumes)


async def storage_class(out: Writer, obj: Object, cluster: Cluster) -> None:
    metadata = obj["metadata"]
    annotations = metadata.get("annotations") or {}
    out.field("Name", metadata["name"])
    default = annotations.get("storageclass.kubernetes.io/is-default-class") == "true"
    out.field("IsDefaultClass", "Yes" if default else "No")
    out.field("Annotations", ",".join(f"{key}={value}" for key, value in sorted(annotations.items())) or NONE)
    out.field("Provisioner", obj["provisioner"])
    out.field("Parameters", ",".join(f"{k}={v}" for k, v in sorted((obj.get("parameters") or {}).items())) or NONE)
    expansion = obj.get("allowVolumeExpansion")
    out.field("AllowVolumeExpansion", UNSET if expansion is None else str(expansion))
    out.several("MountOptions", obj.get("mountOptions") or ())
    out.field("ReclaimPolicy", obj.get("reclaimPolicy") or UNSET)
    out.field("VolumeBindingMode", obj.get("volumeBindingMode") or UNSET)
    events(out, await cluster.events_of(obj), cluster.now)
