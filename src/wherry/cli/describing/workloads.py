"""Deployments, replica sets, daemon sets and stateful sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wherry.api.types import Object
from wherry.cli.describing.cluster import Cluster
from wherry.cli.describing.events import events
from wherry.cli.describing.metadata import labels_and_annotations, names, write_annotations, write_labels
from wherry.cli.describing.podspec import template
from wherry.cli.describing.words import (
    controller_of,
    go_list,
    labels_text,
    moment,
    or_none,
    selector_text,
)
from wherry.cli.describing.writer import Writer

_REVISION = "deployment.kubernetes.io/revision"


async def deployment(out: Writer, obj: Object, cluster: Cluster) -> None:
    spec, status = obj["spec"], obj.get("status") or {}
    names(out, obj)
    out.field("CreationTimestamp", moment(obj["metadata"].get("creationTimestamp")))
    labels_and_annotations(out, obj)
    out.field("Selector", selector_text(spec.get("selector")))
    counts = (
        (spec.get("replicas", 0), "desired"),
        (status.get("updatedReplicas", 0), "updated"),
        (status.get("replicas", 0), "total"),
        (status.get("availableReplicas", 0), "available"),
        (status.get("unavailableReplicas", 0), "unavailable"),
    )
    out.field("Replicas", " | ".join(f"{count} {word}" for count, word in counts))
    strategy = spec.get("strategy") or {}
    out.field("StrategyType", strategy.get("type", ""))
    out.field("MinReadySeconds", spec.get("minReadySeconds", 0))
    if (rolling := strategy.get("rollingUpdate")) is not None:
        text = f"{rolling.get('maxUnavailable')} max unavailable, {rolling.get('maxSurge')} max surge"
        out.field("RollingUpdateStrategy", text)
    template(out, spec["template"])
    conditions(out, status)
    old, new = _replica_sets(obj, await _owned(cluster, "replicasets.apps", obj))
    if old or new:
        out.field("OldReplicaSets", _created(old))
        out.field("NewReplicaSet", _created(new))
    events(out, await cluster.events_of(obj), cluster.now)


async def replica_set(out: Writer, obj: Object, cluster: Cluster) -> None:
    """Replication controllers too."""
    spec, status = obj["spec"], obj.get("status") or {}
    plain = obj["kind"] == "ReplicationController"
    names(out, obj)
    out.field("Selector", labels_text(spec.get("selector")) if plain else selector_text(spec.get("selector")))
    labels_and_annotations(out, obj)
    out.given("Controlled By", controller_of(obj))
    out.field("Replicas", f"{status.get('replicas', 0)} current / {spec.get('replicas', 0)} desired")
    await _pods_status(out, obj, cluster)
    template(out, spec["template"])
    conditions(out, status)
    events(out, await cluster.events_of(obj), cluster.now)


async def daemon_set(out: Writer, obj: Object, cluster: Cluster) -> None:
    spec, status = obj["spec"], obj.get("status") or {}
    names(out, obj, namespace=False)
    out.field("Selector", selector_text(spec.get("selector")))
    out.field("Node-Selector", labels_text((spec["template"].get("spec") or {}).get("nodeSelector")))
    labels_and_annotations(out, obj)
    for title, name in (
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ):
        out.line(f"{title}: {status.get(name, 0)}")
    await _pods_status(out, obj, cluster)
    template(out, spec["template"])
    events(out, await cluster.events_of(obj), cluster.now)


async def stateful_set(out: Writer, obj: Object, cluster: Cluster) -> None:
    spec, status = obj["spec"], obj.get("status") or {}
    names(out, obj)
    out.field("CreationTimestamp", moment(obj["metadata"].get("creationTimestamp")))
    out.field("Selector", selector_text(spec.get("selector")))
    labels_and_annotations(out, obj)
    out.field("Replicas", f"{spec.get('replicas', 0)} desired | {status.get('replicas', 0)} total")
    strategy = spec.get("updateStrategy") or {}
    out.field("Update Strategy", strategy.get("type", ""))
    rolling = strategy.get("rollingUpdate") or {}
    if rolling.get("partition") is not None:
        out.field("Partition", rolling["partition"], 1)
        out.given("MaxUnavailable", rolling.get("maxUnavailable"), 1)
    await _pods_status(out, obj, cluster)
    template(out, spec["template"])
    _claims(out, spec.get("volumeClaimTemplates") or ())
    events(out, await cluster.events_of(obj), cluster.now)


def _claims(out: Writer, found: Sequence[Object]) -> None:
    out.line("Volume Claims:" if found else "Volume Claims:\t<none>")
    for claim in found:
        metadata, spec = claim["metadata"], claim.get("spec") or {}
        out.field("  Name", metadata.get("name", ""))
        out.field("  StorageClass", spec.get("storageClassName") or "")
        write_labels(out, "  Labels", metadata.get("labels"))
        write_annotations(out, "  Annotations", metadata.get("annotations"))
        requests = (spec.get("resources") or {}).get("requests") or {}
        out.field("  Capacity", requests.get("storage", "<default>"))
        out.field("  Access Modes", go_list(spec.get("accessModes")))


def conditions(out: Writer, status: Object) -> None:
    """Type, status and reason, aligned apart from what is before them."""
    if found := status.get("conditions"):
        out.line("Conditions:")
        out.line("Type\tStatus\tReason", 1)
        out.line("----\t------\t------", 1)
        for one in found:
            out.line(f"{one['type']} \t{one.get('status', '')}\t{one.get('reason', '')}", 1)


async def _pods_status(out: Writer, obj: Object, cluster: Cluster) -> None:
    phases = Counter((pod.get("status") or {}).get("phase") for pod in await _owned(cluster, "pods", obj))
    words = (("Running", "Running"), ("Pending", "Waiting"), ("Succeeded", "Succeeded"), ("Failed", "Failed"))
    out.field("Pods Status", " / ".join(f"{phases[phase]} {word}" for phase, word in words))


async def _owned(cluster: Cluster, resource: str, owner: Object) -> list[Object]:
    """The objects whose controller is `owner`."""
    found = await cluster.some(resource, namespace=owner["metadata"]["namespace"])
    uid = owner["metadata"]["uid"]
    return [obj for obj in found if _controller_uid(obj) == uid]


def _controller_uid(obj: Object) -> str:
    owners = obj["metadata"].get("ownerReferences") or ()
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), "")


def _replica_sets(owner: Object, found: Sequence[Object]) -> tuple[list[Object], list[Object]]:
    """Those of earlier revisions, and the one of the deployment's own."""
    revision = (owner["metadata"].get("annotations") or {}).get(_REVISION)
    new = [one for one in found if (one["metadata"].get("annotations") or {}).get(_REVISION) == revision]
    old = [one for one in found if one not in new]
    return sorted(old, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"])), new


def _created(found: Sequence[Object]) -> str:
    texts = (
        f"{one['metadata']['name']} ({(one.get('status') or {}).get('replicas', 0)}"
        f"/{one['spec'].get('replicas', 0)} replicas created)"
        for one in found
    )
    return or_none(", ".join(texts))
