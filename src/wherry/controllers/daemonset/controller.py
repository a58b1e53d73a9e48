"""The daemon set loop."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.errors import NotFound, StatusError
from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.base.backoff import Backoff
from wherry.client.informer import Key, key_of
from wherry.controllers import owners, pods
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Retry
from wherry.controllers.daemonset import placement
from wherry.controllers.expectations import Expectations
from wherry.controllers.history import HASH_LABEL, Collision, History, hash_of
from wherry.controllers.pod_control import PodControl, all_at_once, namespace_terminating, slow_start
from wherry.controllers.pod_events import PodEvents
from wherry.controllers.selection import by_selector, is_empty

RESOURCE = lookup("daemonsets.apps")
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
GENERATION_LABEL = "pod-template-generation"
BURST = 250
FAILED_POD_BACKOFF = Backoff(initial=1.0, cap=900.0)


class DaemonSetController:
    """A component; see the package."""

    name = "daemonset"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._recorder = context.recorder("daemonset-controller")
        self._control = PodControl(context.client, self._recorder)
        self._sets = context.informers.informer(RESOURCE)
        self._pods = context.informers.informer("pods")
        self._nodes = context.informers.informer("nodes")
        revisions = context.informers.informer("controllerrevisions.apps")
        self._history = History(context.client, revisions, RESOURCE)
        self._expectations = Expectations(context.clock)
        self._failures: dict[tuple[str, str], tuple[int, float]] = {}
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._sets, self._pods, self._nodes, revisions),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, 2),
        )
        self._sets.add_handler(self.loop.enqueue, lambda old, new: self.loop.enqueue(new), self._set_gone)
        PodEvents(
            kind=RESOURCE.kind,
            workloads=self._sets,
            pods=self._pods,
            matches=lambda daemonset, labels: by_selector(daemonset["spec"].get("selector"))(labels),
            queue=self.loop.queue,
            expectations=self._expectations,
        )
        self._nodes.add_handler(lambda node: self._all(), self._node_changed, lambda node: self._all())

    async def run(self) -> None:
        await self.loop.run()

    def _all(self) -> None:
        for daemonset in self._sets.items():
            self.loop.enqueue(daemonset)

    def _node_changed(self, old: Object, new: Object) -> None:
        """Heartbeats change nothing; labels and taints may."""
        if (old["metadata"].get("labels"), old["spec"].get("taints")) != (
            new["metadata"].get("labels"),
            new["spec"].get("taints"),
        ):
            self._all()

    def _set_gone(self, daemonset: Object) -> None:
        self._expectations.forget(key_of(daemonset))
        uid = daemonset["metadata"]["uid"]
        self._failures = {slot: until for slot, until in self._failures.items() if slot[0] != uid}

    async def _reconcile(self, key: Key) -> None:
        daemonset = self._sets.get(*key)
        if daemonset is None or daemonset["metadata"].get("deletionTimestamp"):
            return
        if is_empty(daemonset["spec"].get("selector")):
            message = "This daemon set is selecting all pods. A non-empty selector is required."
            self._recorder.event(daemonset, "Warning", "SelectingAll", message)
            return
        matches = by_selector(daemonset["spec"]["selector"])
        try:
            current, old = await self._history.sync(daemonset, matches)
        except Collision:
            await self._count_collision(daemonset)
            return
        hash_ = hash_of(current)
        if self._expectations.satisfied(key):
            await self._manage(key, daemonset, hash_)
            placed = await self._placed(daemonset)
            if self._expectations.satisfied(key) and placement.is_rolling(daemonset):
                await self._roll(key, daemonset, placed, hash_)
            live = {(p["metadata"].get("labels") or {}).get(HASH_LABEL, "") for here in placed.values() for p in here}
            limit = daemonset["spec"].get("revisionHistoryLimit", 10)
            await self._history.clean(old, live, limit)
        await self._write_status(daemonset, hash_)

    async def _placed(self, daemonset: Object) -> dict[str, list[Object]]:
        selector = daemonset["spec"]["selector"]
        claim = owners.Claim(
            client=self._client,
            owner=daemonset,
            owner_resource=RESOURCE,
            resource=lookup("pods"),
            matches=by_selector(selector),
        )
        found = owners.candidates(self._pods, daemonset, selector.get("matchLabels"))
        return placement.by_node(await claim.all(found))

    async def _manage(self, key: Key, daemonset: Object, hash_: str) -> None:
        placed = await self._placed(daemonset)
        found = placement.steps(daemonset, self._nodes.items(), placed, hash_, self._clock.now())
        delete, wait = self._due_failed(daemonset, found.failed)
        for pod in found.succeeded:
            message = f"Found succeeded daemon pod {_name(pod)} on node {placement.node_of(pod)}, will try to delete it"
            self._recorder.event(daemonset, "Normal", "SucceededDaemonPod", message)
        await self._sync(key, daemonset, found.create_on, [*found.delete, *found.succeeded, *delete], hash_)
        if wait is not None:
            self.loop.queue.add_after(key, wait)

    def _due_failed(self, daemonset: Object, failed: Sequence[Object]) -> tuple[list[Object], float | None]:
        """The failed pods whose back-off is over, and how long the next one must wait."""
        now, due, waits = self._clock.monotonic(), [], []
        for pod in failed:
            slot = (daemonset["metadata"]["uid"], placement.node_of(pod))
            count, until = self._failures.get(slot, (0, 0.0))
            if until > now:
                waits.append(until - now)
                continue
            self._failures[slot] = (count + 1, now + FAILED_POD_BACKOFF.delay(count + 1))
            message = f"Found failed daemon pod {_name(pod)} on node {slot[1]}, will try to kill it"
            self._recorder.event(daemonset, "Warning", "FailedDaemonPod", message)
            due.append(pod)
        return due, min(waits, default=None)

    async def _roll(self, key: Key, daemonset: Object, placed: dict[str, list[Object]], hash_: str) -> None:
        desired = sum(placement.should_run(daemonset, node)[0] for node in self._nodes.items())
        found = placement.rolling_steps(daemonset, placed, hash_, desired, self._clock.now())
        await self._sync(key, daemonset, found.create_on, found.delete, hash_)

    async def _sync(
        self, key: Key, daemonset: Object, create_on: Sequence[str], delete: Sequence[Object], hash_: str
    ) -> None:
        create_on, delete = create_on[:BURST], delete[:BURST]
        if not create_on and not delete:
            return
        self._expectations.expect(key, len(create_on), [pod["metadata"]["uid"] for pod in delete])
        reference, marks = owners.controller_reference(daemonset, RESOURCE), {HASH_LABEL: hash_}
        if number := (daemonset["metadata"].get("annotations") or {}).get(TEMPLATE_GENERATION):
            marks[GENERATION_LABEL] = number

        async def create(i: int) -> None:
            pod = pods.from_template(daemonset["spec"]["template"], daemonset, reference)
            pod["metadata"]["labels"] = {**(pod["metadata"].get("labels") or {}), **marks}
            pod["spec"] = placement.pod_spec(daemonset, create_on[i])
            try:
                await self._control.create(daemonset, pod)
            except (StatusError, ConnectionError, TimeoutError) as error:
                if not namespace_terminating(error):
                    raise

        async def remove(pod: Object) -> None:
            try:
                await self._control.delete(daemonset, pod)
            except NotFound:
                self._expectations.deletion_seen(key, pod["metadata"]["uid"])
            except (StatusError, ConnectionError, TimeoutError):
                self._expectations.deletion_seen(key, pod["metadata"]["uid"])
                raise

        succeeded, create_failure = await slow_start(len(create_on), create)
        self._expectations.creation_seen(key, len(create_on) - succeeded)
        delete_failure = await all_at_once(delete, remove)
        if failure := create_failure or delete_failure:
            raise failure

    async def _count_collision(self, daemonset: Object) -> None:
        status = daemonset.get("status") or {}
        counted = {**status, "collisionCount": (status.get("collisionCount") or 0) + 1}
        await self._client.update(RESOURCE, {**daemonset, "status": counted}, subresource="status")

    async def _write_status(self, daemonset: Object, hash_: str) -> None:
        placed, now = await self._placed(daemonset), self._clock.now()
        status = placement.next_status(daemonset, self._nodes.items(), placed, hash_, now)
        if status != daemonset.get("status"):
            await self._client.update(RESOURCE, {**daemonset, "status": status}, subresource="status")
        min_ready = daemonset["spec"].get("minReadySeconds", 0)
        if min_ready:
            everything = [pod for here in placed.values() for pod in here]
            wait = pods.next_availability(everything, min_ready, now)
            if wait is not None:
                raise Retry(wait)


def _name(pod: Object) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
