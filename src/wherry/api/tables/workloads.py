"""Rows of the workload kinds. Source: `printDeployment`, `printReplicaSet`, `printDaemonSet` and their neighbours."""

from __future__ import annotations

from typing import Any

from wherry.api.label_selector import map_to_text, shown
from wherry.api.tables.columns import (
    AGE,
    CONTAINERS,
    IMAGES,
    NAME,
    NONE,
    SELECTOR,
    Cells,
    Table,
    age,
    column,
    containers_and_images,
    name,
    part,
)
from wherry.api.types import Object

_DESIRED = column("Desired", "integer", about="How many pods there should be.")
_CURRENT = column("Current", "integer", about="How many pods there are.")
_READY = column("Ready", "integer", about="How many pods are ready.")


def _deployment(obj: Object, now: float) -> Cells:
    spec, status = part(obj, "spec"), part(obj, "status")
    return [
        name(obj),
        f"{status.get('readyReplicas') or 0}/{spec.get('replicas') or 0}",
        status.get("updatedReplicas") or 0,
        status.get("availableReplicas") or 0,
        age(obj, now),
        *containers_and_images(part(spec, "template", "spec")),
        shown(spec.get("selector")),
    ]


def _replicas(obj: Object, now: float) -> Cells:
    """Replica sets and replication controllers: the one has a selector, the other a map."""
    spec, status = part(obj, "spec"), part(obj, "status")
    selector: Any = spec.get("selector") or {}
    plain = obj.get("kind") == "ReplicationController" or all(isinstance(v, str) for v in selector.values())
    return [
        name(obj),
        spec.get("replicas") or 0,
        status.get("replicas") or 0,
        status.get("readyReplicas") or 0,
        age(obj, now),
        *containers_and_images(part(spec, "template", "spec")),
        (map_to_text(selector) or NONE) if plain else shown(selector),
    ]


def _daemon_set(obj: Object, now: float) -> Cells:
    spec, status = part(obj, "spec"), part(obj, "status")
    pod = part(spec, "template", "spec")
    counts = (
        "desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled", "numberAvailable",
    )  # fmt: skip
    return [
        name(obj),
        *(status.get(key) or 0 for key in counts),
        map_to_text(pod.get("nodeSelector")) or NONE,
        age(obj, now),
        *containers_and_images(pod),
        shown(spec.get("selector")),
    ]


def _stateful_set(obj: Object, now: float) -> Cells:
    spec, status = part(obj, "spec"), part(obj, "status")
    ready = f"{status.get('readyReplicas') or 0}/{spec.get('replicas') or 0}"
    return [name(obj), ready, age(obj, now), *containers_and_images(part(spec, "template", "spec"))]


def _controller_revision(obj: Object, now: float) -> Cells:
    owner = next((o for o in obj["metadata"].get("ownerReferences") or () if o.get("controller")), None)
    controller = NONE
    if owner is not None:
        group = owner.get("apiVersion", "").rpartition("/")[0]
        kind = owner.get("kind", "").lower()
        controller = f"{kind}.{group}/{owner.get('name')}" if group else f"{kind}/{owner.get('name')}"
    return [name(obj), controller, obj.get("revision") or 0, age(obj, now)]


def _pod_template(obj: Object, now: float) -> Cells:
    template = part(obj, "template")
    labels = map_to_text(part(template, "metadata").get("labels")) or NONE
    return [name(obj), *containers_and_images(part(template, "spec")), labels]


def _budget(obj: Object, now: float) -> Cells:
    spec, status = part(obj, "spec"), part(obj, "status")
    bounds = ("N/A" if spec.get(key) is None else str(spec[key]) for key in ("minAvailable", "maxUnavailable"))
    return [name(obj), *bounds, status.get("disruptionsAllowed") or 0, age(obj, now)]


_REPLICATED = (NAME, _DESIRED, _CURRENT, _READY, AGE, CONTAINERS, IMAGES, SELECTOR)

DEPLOYMENTS = Table(
    (
        NAME,
        column("Ready", about="Pods that are ready, of all that should be."),
        column("Up-to-date", about="Pods that have the wanted template."),
        column("Available", about="Pods that have been ready for long enough."),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ),
    _deployment,
)
REPLICA_SETS = Table(_REPLICATED, _replicas)
REPLICATION_CONTROLLERS = Table(_REPLICATED, _replicas)
DAEMON_SETS = Table(
    (
        NAME,
        _DESIRED,
        _CURRENT,
        _READY,
        column("Up-to-date", "integer", about="Nodes whose pod has the wanted template."),
        column("Available", "integer", about="Nodes whose pod has been ready for long enough."),
        column("Node Selector", about="The nodes that shall run a pod."),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ),
    _daemon_set,
)
STATEFUL_SETS = Table(
    (NAME, column("Ready", about="Pods that are ready, of all that should be."), AGE, CONTAINERS, IMAGES), _stateful_set
)
CONTROLLER_REVISIONS = Table(
    (
        NAME,
        column("Controller", about="The workload whose past this is."),
        column("Revision", about="The number of the revision."),
        AGE,
    ),
    _controller_revision,
)
POD_TEMPLATES = Table(
    (
        NAME,
        column("Containers", about=CONTAINERS["description"]),
        column("Images", about=IMAGES["description"]),
        column("Pod Labels", about="The labels of pods made from the template."),
    ),
    _pod_template,
)
DISRUPTION_BUDGETS = Table(
    (
        NAME,
        column("Min Available", about="How many pods must stay available."),
        column("Max Unavailable", about="How many pods may be unavailable."),
        column("Allowed Disruptions", "integer", about="How many pods may be evicted now."),
        AGE,
    ),
    _budget,
)


def _scale(obj: Object, now: float) -> Cells:
    wanted, there = part(obj, "spec").get("replicas") or 0, part(obj, "status").get("replicas") or 0
    return [name(obj), wanted, there, age(obj, now)]


SCALES = Table((NAME, _DESIRED, column("Available", "integer", about="How many pods there are."), AGE), _scale)
"""Of the subresource `scale`, whatever it belongs to."""
