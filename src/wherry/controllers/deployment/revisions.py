"""Which replica set is the new one, which are old, and the annotations that number them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wherry.api.types import Object
from wherry.base.times import parse_rfc3339
from wherry.controllers import owners
from wherry.controllers.deployment.template_hash import LABEL, same_template
from wherry.controllers.replicaset import replicas_of

_DOMAIN = "deployment.kubernetes.io/"
REVISION = _DOMAIN + "revision"
HISTORY = _DOMAIN + "revision-history"
DESIRED = _DOMAIN + "desired-replicas"
MAXIMUM = _DOMAIN + "max-replicas"
NOT_COPIED = frozenset(
    (
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        HISTORY,
        DESIRED,
        MAXIMUM,
        "deprecated.deployment.rollback.to",
    )
)
HISTORY_LIMIT_CHARACTERS = 2000


def annotations_of(obj: Object) -> Mapping[str, str]:
    return obj["metadata"].get("annotations") or {}


def number(obj: Object, annotation: str) -> int | None:
    """An annotation as an integer; None where there is none or it is no number."""
    try:
        return int(annotations_of(obj)[annotation])
    except (KeyError, ValueError):
        return None


def created(obj: Object) -> float:
    return parse_rfc3339(obj["metadata"]["creationTimestamp"])


def age(obj: Object) -> tuple[float, str]:
    """Sort key: old first, then by name."""
    return created(obj), obj["metadata"]["name"]


def find_new(deployment: Object, sets: Iterable[Object]) -> Object | None:
    """The oldest set with the deployment's template."""
    template = deployment["spec"]["template"]
    return next((rs for rs in sorted(sets, key=age) if same_template(rs["spec"]["template"], template)), None)


def latest_revision(sets: Iterable[Object]) -> int:
    return max((number(rs, REVISION) or 0 for rs in sets), default=0)


def active_or_latest(new: Object | None, old: Sequence[Object]) -> Object | None:
    """The one set with pods, or the latest where none has; None where several have."""
    everything = [rs for rs in (*sorted(old, key=age, reverse=True), new) if rs is not None]
    active = [rs for rs in everything if replicas_of(rs)]
    if not active:
        return new or next(iter(everything), None)
    return active[0] if len(active) == 1 else None


def size_annotations(deployment: Object, surge: int) -> dict[str, str]:
    """What a set remembers of the deployment's size when it was last sized."""
    wanted = replicas_of(deployment)
    return {DESIRED: str(wanted), MAXIMUM: str(wanted + surge)}


def set_annotations(deployment: Object, rs: Object, revision: int) -> dict[str, str]:
    """The new set's annotations: the deployment's, and its revision with the ones it had before."""
    result = dict(annotations_of(rs))
    result |= {name: value for name, value in annotations_of(deployment).items() if name not in NOT_COPIED}
    before = number(rs, REVISION)
    if (before or 0) < revision:
        result[REVISION] = str(revision)
        if before is not None:
            result[HISTORY] = _history(result.get(HISTORY, ""), str(before))
    return result


def _history(text: str, revision: str) -> str:
    revisions = [*([part for part in text.split(",") if part]), revision]
    while len(",".join(revisions)) > HISTORY_LIMIT_CHARACTERS and len(revisions) > 1:
        revisions.pop(0)
    return ",".join(revisions)


def new_set(deployment: Object, reference: Object, hash_: str, revision: int, surge: int) -> Object:
    """The replica set for the deployment's template, with no pods yet."""
    spec, metadata = deployment["spec"], deployment["metadata"]
    template = dict(spec["template"])
    given = template.get("metadata") or {}
    labels = {**(given.get("labels") or {}), LABEL: hash_}
    template["metadata"] = {**given, "labels": labels}
    selector = dict(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), LABEL: hash_}
    rs: Object = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{metadata['name']}-{hash_}",
            "namespace": metadata["namespace"],
            "labels": labels,
            "ownerReferences": [reference],
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
    }
    if spec.get("minReadySeconds"):
        rs["spec"]["minReadySeconds"] = spec["minReadySeconds"]
    rs["metadata"]["annotations"] = set_annotations(deployment, rs, revision) | size_annotations(deployment, surge)
    return rs


def to_clean(deployment: Object, old: Sequence[Object]) -> list[Object]:
    """The old sets beyond the history limit, oldest revision first; never one that still has or expects pods."""
    limit = deployment["spec"].get("revisionHistoryLimit", 10)
    alive = [rs for rs in old if not rs["metadata"].get("deletionTimestamp")]
    surplus = len(alive) - limit
    if surplus <= 0:
        return []
    alive.sort(key=lambda rs: (number(rs, REVISION) or 0, age(rs)))
    return [rs for rs in alive[:surplus] if _is_settled_empty(rs)]


def _is_settled_empty(rs: Object) -> bool:
    status = rs.get("status") or {}
    settled = rs["metadata"].get("generation", 0) <= status.get("observedGeneration", 0)
    return settled and not status.get("replicas") and replicas_of(rs) == 0


def is_copy(rs: Object, deployment: Object) -> bool:
    """Whether a set found under the new set's name is the one that was to be made."""
    return owners.is_controlled_by(rs, deployment) and same_template(
        rs["spec"]["template"], deployment["spec"]["template"]
    )
