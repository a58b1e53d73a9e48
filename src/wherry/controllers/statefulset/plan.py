"""The next steps of a stateful set, and its status. Pure.

What always holds with the ordered policy: one step at a time; a pod is made only when all before it are ready, and
deleted only when all after it are gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wherry.api.types import Object
from wherry.controllers import pods
from wherry.controllers.deployment.rolling import scaled
from wherry.controllers.replicaset import replicas_of
from wherry.controllers.statefulset import identity


@dataclass(slots=True)
class Steps:
    """`create`: ordinals; `recreate`: pods that ended and must be made again; `wait`: seconds until to look again.

    `claims`: pods that do not start yet, perhaps because somebody deleted a claim of theirs.
    """

    create: list[int] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    recreate: list[Object] = field(default_factory=list)
    mend: list[Object] = field(default_factory=list)
    claims: list[Object] = field(default_factory=list)
    wait: float | None = None

    @property
    def anything(self) -> bool:
        return bool(self.create or self.delete or self.recreate)


@dataclass(frozen=True, slots=True)
class View:
    """A set and its pods by ordinal, at one moment."""

    statefulset: Object
    pods: Mapping[int, Object]
    current: str
    update: str
    now: float

    @property
    def min_ready(self) -> int:
        return self.statefulset["spec"].get("minReadySeconds", 0)

    @property
    def ordered(self) -> bool:
        return self.statefulset["spec"].get("podManagementPolicy", "OrderedReady") != "Parallel"

    def healthy(self, pod: Object) -> bool:
        return _runs(pod) and not pods.is_terminating(pod)

    def available(self, pod: Object) -> bool:
        return _runs(pod) and pods.is_available(pod, self.min_ready, self.now)


def _runs(pod: Object) -> bool:
    return pods.phase(pod) == "Running" and pods.is_ready(pod)


def steps(view: View) -> Steps:
    """What to do now."""
    result = Steps()
    if _fill(view, result) or _shrink(view, result):
        return result
    _update(view, result)
    return result


def _fill(view: View, result: Steps) -> bool:
    """Bring the ordinals to life in order; tells whether to stop there."""
    for ordinal in identity.ordinals(view.statefulset):
        if _fill_one(view, ordinal, result) and view.ordered:
            return True
    return bool(result.recreate)


def _fill_one(view: View, ordinal: int, result: Steps) -> bool:
    """Whether those after it must wait."""
    pod = view.pods.get(ordinal)
    if pod is None:
        result.create.append(ordinal)
        return True
    if pods.is_finished(pod):
        if not pods.is_terminating(pod):
            result.recreate.append(pod)
        return True
    if identity.lacks_identity(pod, view.statefulset):
        result.mend.append(pod)
    if pods.phase(pod) == "Pending" and view.statefulset["spec"].get("volumeClaimTemplates"):
        result.claims.append(pod)
    if pods.is_terminating(pod) or not _runs(pod):
        return True
    return _not_available_yet(view, pod, result)


def _not_available_yet(view: View, pod: Object, result: Steps) -> bool:
    wait = pods.available_in(pod, view.min_ready, view.now)
    if wait is None or wait <= 0:
        return False
    result.wait = wait if result.wait is None else min(wait, result.wait)
    return True


def _shrink(view: View, result: Steps) -> bool:
    """Take what is beyond the size away, the highest ordinal first; tells whether to stop there."""
    wanted = identity.ordinals(view.statefulset)
    condemned = [view.pods[ordinal] for ordinal in sorted(view.pods, reverse=True) if ordinal not in wanted]
    first_unhealthy = _first_unhealthy(view, condemned)
    for pod in condemned:
        if pods.is_terminating(pod):
            if view.ordered:
                return True
            continue
        if view.ordered and pod is not first_unhealthy and (not _runs(pod) or _not_available_yet(view, pod, result)):
            return True
        result.delete.append(pod)
        if view.ordered:
            return True
    return bool(condemned)


def _first_unhealthy(view: View, condemned: Sequence[Object]) -> Object | None:
    """The one pod that may be deleted though it is not ready: waiting for it would never end.

    The lowest of those to keep, else the lowest of those to go; `condemned` has the highest first.
    """
    in_order = [view.pods[o] for o in identity.ordinals(view.statefulset) if o in view.pods]
    return next((pod for pod in (*in_order, *reversed(condemned)) if not view.healthy(pod)), None)


def _update(view: View, result: Steps) -> None:
    """Replace pods of old revisions from the highest ordinal down to the partition."""
    strategy = view.statefulset["spec"].get("updateStrategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return
    rolling = strategy.get("rollingUpdate") or {}
    lowest = identity.start_of(view.statefulset) + rolling.get("partition", 0)
    unavailable = rolling.get("maxUnavailable", 1)
    budget = max(1, scaled(unavailable, replicas_of(view.statefulset), round_up=False))
    for ordinal in reversed(identity.ordinals(view.statefulset)):
        pod = view.pods.get(ordinal)
        if ordinal < lowest or budget <= 0:
            return
        if pod is None or pods.is_terminating(pod):
            budget -= 1
        elif identity.revision_of(pod) != view.update:
            result.delete.append(pod)
            budget -= 1
        elif not _runs(pod) or _not_available_yet(view, pod, result):
            budget -= 1


def revision_for(view: View, ordinal: int) -> str:
    """The revision that a new pod gets: below the partition, the one before the update."""
    strategy = view.statefulset["spec"].get("updateStrategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return view.update
    rolling = strategy.get("rollingUpdate")
    start = identity.start_of(view.statefulset)
    if rolling is None:
        old = (view.statefulset.get("status") or {}).get("currentReplicas", 0)
        return view.current if ordinal < start + old else view.update
    return view.current if ordinal < start + rolling.get("partition", 0) else view.update


def next_status(view: View, found: Sequence[Object], collisions: int) -> Object:
    """The counts and revisions of the status."""
    alive = [pod for pod in found if not pods.is_terminating(pod)]
    status: Object = {
        "observedGeneration": view.statefulset["metadata"].get("generation", 0),
        "replicas": len(found),
        "readyReplicas": sum(map(_runs, found)),
        "availableReplicas": sum(map(view.available, found)),
        "currentReplicas": sum(identity.revision_of(pod) == view.current for pod in alive),
        "updatedReplicas": sum(identity.revision_of(pod) == view.update for pod in alive),
        "currentRevision": view.current,
        "updateRevision": view.update,
        "collisionCount": collisions,
    }
    wanted = replicas_of(view.statefulset)
    strategy = (view.statefulset["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate")
    complete = status["updatedReplicas"] == status["replicas"] == status["readyReplicas"] == wanted
    if strategy == "RollingUpdate" and complete:
        status |= {"currentReplicas": status["updatedReplicas"], "currentRevision": view.update}
    for name in ("readyReplicas", "currentReplicas", "updatedReplicas"):
        if not status[name]:
            del status[name]
    return status
