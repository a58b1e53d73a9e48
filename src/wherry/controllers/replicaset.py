"""ReplicaSet: keep that many pods alive. With `KIND_RC` the same loop keeps replication controllers.

What always holds: while what was asked for has not been seen (expectations), nothing more is created or deleted, so no
pod is made twice; the status is written before the next decision.
Source: k8s.io/kubernetes pkg/controller/replicaset.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wherry.api.errors import Conflict, NotFound, StatusError
from wherry.api.resources import Resource, lookup
from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.client.informer import Key, key_of
from wherry.controllers import conditions, owners, pods
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop
from wherry.controllers.damping import pause
from wherry.controllers.expectations import Expectations
from wherry.controllers.pod_control import PodControl, all_at_once, namespace_terminating, slow_start
from wherry.controllers.pod_events import PodEvents
from wherry.controllers.selection import Labels, Predicate, by_labels, by_selector

BURST = 500
"""At most so many pods are created or deleted in one go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What differs between ReplicaSet and ReplicationController."""

    name: str
    resource: Resource
    component: str
    predicate: Callable[[Object], Predicate]
    labels: Callable[[Object], Labels | None]
    """Labels that each pod that fits has, if the selector names any."""
    counts_terminating: bool


def _rc_labels(spec: Object) -> Labels:
    found: Labels = spec.get("selector") or (spec.get("template") or {}).get("metadata", {}).get("labels") or {}
    return found


KIND_RS = Kind(
    name="replicaset",
    resource=lookup("replicasets.apps"),
    component="replicaset-controller",
    predicate=lambda spec: by_selector(spec.get("selector")),
    labels=lambda spec: (spec.get("selector") or {}).get("matchLabels"),
    counts_terminating=True,
)
KIND_RC = Kind(
    name="replicationcontroller",
    resource=lookup("replicationcontrollers"),
    component="replication-controller",
    predicate=lambda spec: by_labels(_rc_labels(spec)),
    labels=_rc_labels,
    counts_terminating=False,
)


def to_delete(active: Sequence[Object], related: Sequence[Object], count: int, now: float) -> list[Object]:
    """The `count` pods that should go first; `related` are the pods of the same owner's other sets too."""
    if count >= len(active):
        return list(active)
    return pods.deletion_order(active, now=now, rank=pods.related_on_same_node(related))[:count]


def next_status(
    rs: Object,
    active: Sequence[Object],
    terminating: int | None,
    failure: Exception | None,
    *,
    now: float,
) -> Object:
    """The status as it follows from the pods. `terminating` None: the kind does not report it."""
    spec, before = rs["spec"], rs.get("status") or {}
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    min_ready = spec.get("minReadySeconds", 0)
    status: Object = {
        "replicas": len(active),
        "fullyLabeledReplicas": sum(labels.items() <= (pod["metadata"].get("labels") or {}).items() for pod in active),
        "readyReplicas": sum(map(pods.is_ready, active)),
        "availableReplicas": sum(pods.is_available(pod, min_ready, now) for pod in active),
        "observedGeneration": rs["metadata"].get("generation", 0),
    }
    for name in ("fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"):
        if not status[name]:
            del status[name]
    if terminating is not None:
        status["terminatingReplicas"] = terminating
    found = before.get("conditions") or []
    if failure is None:
        found = conditions.without(found, "ReplicaFailure")
    elif conditions.find(found, "ReplicaFailure") is None:
        reason = "FailedCreate" if len(active) < replicas_of(rs) else "FailedDelete"
        found = [*found, conditions.make("ReplicaFailure", True, reason, str(failure), now=rfc3339(now))]
    if found:
        status["conditions"] = found
    return status


def replicas_of(workload: Object) -> int:
    """`spec.replicas`, which defaults to 1."""
    value = workload["spec"].get("replicas")
    return 1 if value is None else value


class ReplicaSetController:
    """A component; see the module."""

    def __init__(self, context: Context, kind: Kind = KIND_RS) -> None:
        self.name = kind.name
        self._kind = kind
        self._client = context.client
        self._clock = context.clock
        self._sets = context.informers.informer(kind.resource)
        self._pods = context.informers.informer("pods")
        self._expectations = Expectations(context.clock)
        self._control = PodControl(context.client, context.recorder(kind.component))
        self._sets.add_index("controller", owners.controller_index)
        self.loop = Loop(
            kind.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._sets, self._pods),
            log=context.log,
            workers=context.config.workers_by_controller.get(kind.name, context.config.workers),
        )
        self._sets.add_handler(self.loop.enqueue, self._set_changed, self._set_gone)
        PodEvents(
            kind=kind.resource.kind,
            workloads=self._sets,
            pods=self._pods,
            matches=lambda rs, labels: kind.predicate(rs["spec"])(labels),
            queue=self.loop.queue,
            expectations=self._expectations,
        )

    async def run(self) -> None:
        await self.loop.run()

    def _set_changed(self, old: Object, new: Object) -> None:
        if old["metadata"]["uid"] != new["metadata"]["uid"]:
            self._expectations.forget(key_of(old))
        if old["metadata"].get("generation") != new["metadata"].get("generation"):
            self.loop.enqueue(new)
        else:
            # Mostly our own status coming back.
            self.loop.queue.add_after(key_of(new), pause(self._pods.count("controller", new["metadata"]["uid"])))

    def _set_gone(self, rs: Object) -> None:
        self._expectations.forget(key_of(rs))
        self.loop.enqueue(rs)

    async def _reconcile(self, key: Key) -> None:
        rs = self._sets.get(*key)
        if rs is None:
            self._expectations.forget(key)
            return
        may_act = self._expectations.satisfied(key)
        mine = await self._claim(rs)
        active = [pod for pod in mine if pods.is_active(pod)]
        failure: Exception | None = None
        if may_act and not rs["metadata"].get("deletionTimestamp"):
            failure = await self._manage(key, rs, active)
        terminating = sum(pods.is_terminating(pod) and not pods.is_finished(pod) for pod in mine)
        await self._write_status(rs, active, terminating if self._kind.counts_terminating else None, failure)
        if failure is not None:
            raise failure
        self._come_again(key, rs, active)

    async def _claim(self, rs: Object) -> list[Object]:
        claim = owners.Claim(
            client=self._client,
            owner=rs,
            owner_resource=self._kind.resource,
            resource=lookup("pods"),
            matches=self._kind.predicate(rs["spec"]),
        )
        found = owners.candidates(self._pods, rs, self._kind.labels(rs["spec"]))
        return await claim.all(pod for pod in found if not pods.is_finished(pod))

    async def _manage(self, key: Key, rs: Object, active: list[Object]) -> Exception | None:
        missing = replicas_of(rs) - len(active)
        if missing > 0:
            return await self._create(key, rs, min(missing, BURST))
        if missing < 0:
            return await self._delete(key, rs, active, min(-missing, BURST))
        return None

    async def _create(self, key: Key, rs: Object, count: int) -> Exception | None:
        self._expectations.expect_creations(key, count)
        reference = owners.controller_reference(rs, self._kind.resource)
        pod = pods.from_template(rs["spec"]["template"], rs, reference)

        async def create(_: int) -> None:
            try:
                await self._control.create(rs, pod)
            except (StatusError, ConnectionError, TimeoutError) as error:
                if namespace_terminating(error):
                    return
                raise

        succeeded, failure = await slow_start(count, create)
        self._expectations.creation_seen(key, count - succeeded)
        return failure

    async def _delete(self, key: Key, rs: Object, active: list[Object], count: int) -> Exception | None:
        chosen = to_delete(active, self._related(rs), count, self._clock.now())
        self._expectations.expect_deletions(key, [pod["metadata"]["uid"] for pod in chosen])

        async def delete(pod: Object) -> None:
            try:
                await self._control.delete(rs, pod)
            except NotFound:
                self._expectations.deletion_seen(key, pod["metadata"]["uid"])
            except (StatusError, ConnectionError, TimeoutError):
                self._expectations.deletion_seen(key, pod["metadata"]["uid"])
                raise

        return await all_at_once(chosen, delete)

    def _related(self, rs: Object) -> list[Object]:
        """The pods of every set with the same controller (a deployment's old and new ones)."""
        reference = owners.controller_of(rs)
        sets = self._sets.by_index("controller", reference["uid"]) if reference else [rs]
        return [pod for each in sets for pod in self._pods.by_index("controller", each["metadata"]["uid"])]

    async def _write_status(
        self, rs: Object, active: Sequence[Object], terminating: int | None, failure: Exception | None
    ) -> None:
        for attempt in (1, 2):
            status = next_status(rs, active, terminating, failure, now=self._clock.now())
            if status == rs.get("status"):
                return
            try:
                await self._client.update(self._kind.resource, {**rs, "status": status}, subresource="status")
                return
            except NotFound:
                return
            except Conflict:
                if attempt == 2:
                    raise
                rs = await self._client.get(
                    self._kind.resource, rs["metadata"]["name"], namespace=rs["metadata"]["namespace"]
                )

    def _come_again(self, key: Key, rs: Object, active: Sequence[Object]) -> None:
        min_ready = rs["spec"].get("minReadySeconds", 0)
        if not min_ready:
            return
        wait = pods.next_availability(active, min_ready, self._clock.now())
        if wait is not None:
            self.loop.queue.add_after(key, wait)
