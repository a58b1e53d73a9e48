"""Which pod is scheduled next, and when one that found no place comes back.

    active          ready; the highest priority first, then the longest waiting
    backing off     failed, something has changed since, but not yet due: 1 s after the first failure, doubling to 10 s
    unschedulable   failed; waits for a change that its plugins find helpful, five minutes at most
    gated           not to be scheduled at all yet

A pod that backs off after a rejection is taken early when nothing else is ready: the back-off keeps hopeless pods from
delaying others, and there are no others (KEP-5142). After an error (the API server is out of reach) it is waited out.
Nothing polls: timers run only while somebody waits for them. Source: pkg/scheduler/backend/queue.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wherry.api.types import Object
from wherry.base.backoff import Backoff
from wherry.base.clock import Clock
from wherry.scheduler.framework.cluster_event import ClusterEvent, target_changes
from wherry.scheduler.framework.plugin import Hint
from wherry.scheduler.framework.pod_info import PodInfo, accounting
from wherry.scheduler.framework.status import Status

BACKOFF = Backoff(initial=1.0, cap=10.0)
UNSCHEDULABLE_SECONDS = 300.0
NOBODY = ""
"""Stands for the plugins that refused a pod where there was no node to ask about."""


@dataclass(slots=True, eq=False)
class QueuedPod:
    """A pod on its way to a node."""

    pod: PodInfo
    since: float
    """When it came, or failed last; it decides among pods of one priority."""
    came: float = 0.0
    """When it first stood here, for metrics."""
    attempts: int = 0
    failures: int = 0
    """Rejections and errors; they make the back-off."""
    rejected_by: frozenset[str] = field(default_factory=frozenset)
    backs_off_until: float = 0.0
    place: str = ""
    """active, backoff, error, parked, gated or removed; empty while it is being scheduled and bound."""


_Entry = tuple[tuple[float, ...], int, QueuedPod]


class _Heap:
    """A heap of pods; one that has moved elsewhere is skipped when it comes up."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._entries: list[_Entry] = []
        self._sequence = 0

    def push(self, queued: QueuedPod, *order: float) -> None:
        queued.place = self.place
        self._sequence += 1
        heapq.heappush(self._entries, (order, self._sequence, queued))

    def peek(self) -> QueuedPod | None:
        while self._entries:
            queued = self._entries[0][2]
            if queued.place == self.place:
                return queued
            heapq.heappop(self._entries)
        return None

    def pop(self) -> QueuedPod | None:
        queued = self.peek()
        if queued is not None:
            heapq.heappop(self._entries)
            queued.place = ""
        return queued


class SchedulingQueue:
    """Pods by uid. `hints` tells, per change, the plugins that may be helped by it."""

    def __init__(
        self,
        *,
        clock: Clock,
        order: Callable[[PodInfo, float], tuple[float, ...]],
        pre_enqueue: Callable[[PodInfo], Status | None],
        hints: Mapping[ClusterEvent, Mapping[str, Hint]],
        backoff: Backoff = BACKOFF,
    ) -> None:
        self._clock = clock
        self._order = order
        self._pre_enqueue = pre_enqueue
        self._hints = hints
        self._backoff = backoff
        self._pods: dict[str, QueuedPod] = {}
        self._parked: dict[str, QueuedPod] = {}
        self._parked_by: dict[str, dict[str, QueuedPod]] = {}
        """The same by the plugins that said no, so that a change is told only to those that it may help."""
        self._active = _Heap("active")
        self._backing_off = _Heap("backoff")
        self._errors = _Heap("error")
        self._ready = asyncio.Event()
        self._timer: asyncio.Task[None] | None = None
        self._timer_due = 0.0

    def __len__(self) -> int:
        return len(self._pods)

    def place(self, uid: str) -> str | None:
        """Where a pod is; None for one that is not here."""
        queued = self._pods.get(uid)
        return None if queued is None else queued.place

    def places(self) -> Mapping[str, int]:
        """How many pods are where."""
        return Counter(queued.place for queued in self._pods.values())

    # What happens to pods that wait.

    def add(self, obj: Object) -> None:
        """A pod without a node has appeared."""
        pod, now = PodInfo(obj), self._clock.monotonic()
        queued = self._pods[pod.uid] = QueuedPod(pod, now, came=now)
        self._admit(queued)

    def update(self, old: Object, new: Object) -> None:
        """It is still without a node, but has changed itself."""
        queued = self._pods.get(new["metadata"].get("uid") or "")
        if queued is None:
            self.add(new)
            return
        if accounting(queued.pod.obj) == accounting(new):
            queued.pod.obj = new
            return
        queued.pod = PodInfo(new)
        if queued.place == "gated":
            self._admit(queued)
        elif queued.place == "parked" and any(self._helps(queued, e, old, new) for e in target_changes(old, new)):
            self._unpark(queued)

    def remove(self, uid: str) -> None:
        """It has a node, or is gone."""
        queued = self._pods.pop(uid, None)
        if queued is not None:
            self._leave_park(queued)
            queued.place = "removed"

    def wake(self, uid: str) -> None:
        """A pod that waits for a change comes back without one."""
        queued = self._pods.get(uid)
        if queued is not None and queued.place == "parked":
            self._unpark(queued)

    def notify(self, event: ClusterEvent, old: Object | None, new: Object | None) -> None:
        """The cluster has changed: whoever may be helped by it comes back."""
        if not self._parked:
            return
        if event is ClusterEvent.NODE_ADD:
            for queued in list(self._parked_by.get(NOBODY, {}).values()):
                self._unpark(queued)
        for plugin, hint in (self._hints.get(event) or {}).items():
            if waiting := self._parked_by.get(plugin):
                for queued in [each for each in waiting.values() if hint(each.pod, old, new)]:
                    self._unpark(queued)

    # What the scheduler does with them.

    async def next(self) -> QueuedPod:
        """The pod to schedule now; waits until there is one. It stays known here until `remove`."""
        while True:
            if (queued := self.next_nowait()) is not None:
                return queued
            self._ready.clear()
            await self._ready.wait()

    def next_nowait(self) -> QueuedPod | None:
        self._activate_due(self._backing_off)
        queued = self._active.pop() or self._backing_off.pop()
        if queued is not None:
            queued.attempts += 1
        return queued

    def reject(self, queued: QueuedPod, plugins: frozenset[str]) -> None:
        """No node would do. `plugins` said so; none at all: there was no node."""
        if not self._again(queued):
            return
        queued.rejected_by = plugins
        queued.place = "parked"
        self._parked[queued.pod.uid] = queued
        for plugin in plugins or (NOBODY,):
            self._parked_by.setdefault(plugin, {})[queued.pod.uid] = queued
        self._arm()

    def fail(self, queued: QueuedPod) -> None:
        """Something went wrong that has nothing to do with the pod's fit."""
        if self._again(queued):
            self._errors.push(queued, queued.backs_off_until)
            self._arm()

    def put_back(self, queued: QueuedPod) -> None:
        """Its turn was interrupted; it is next again."""
        if self._pods.get(queued.pod.uid) is queued:
            self._activate(queued)

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _again(self, queued: QueuedPod) -> bool:
        """Count a failure. False for a pod that has been removed meanwhile."""
        if self._pods.get(queued.pod.uid) is not queued:
            return False
        queued.failures += 1
        queued.since = self._clock.monotonic()
        queued.backs_off_until = queued.since + self._backoff.delay(queued.failures)
        return True

    def _helps(self, queued: QueuedPod, event: ClusterEvent, old: Object | None, new: Object | None) -> bool:
        if not queued.rejected_by:
            return event is ClusterEvent.NODE_ADD
        hints = self._hints.get(event)
        if not hints:
            return False
        return any(name in hints and hints[name](queued.pod, old, new) for name in queued.rejected_by)

    def _admit(self, queued: QueuedPod) -> None:
        status = self._pre_enqueue(queued.pod)
        if status is None:
            self._activate(queued)
        else:
            queued.place = "gated"

    def _unpark(self, queued: QueuedPod) -> None:
        self._leave_park(queued)
        if queued.backs_off_until <= self._clock.monotonic():
            self._activate(queued)
        else:
            self._backing_off.push(queued, queued.backs_off_until)
            self._ready.set()

    def _leave_park(self, queued: QueuedPod) -> None:
        if self._parked.pop(queued.pod.uid, None) is not None:
            for plugin in queued.rejected_by or (NOBODY,):
                self._parked_by[plugin].pop(queued.pod.uid, None)

    def _activate(self, queued: QueuedPod) -> None:
        self._active.push(queued, *self._order(queued.pod, queued.since))
        self._ready.set()

    def _activate_due(self, heap: _Heap) -> None:
        now = self._clock.monotonic()
        while (queued := heap.peek()) is not None and queued.backs_off_until <= now:
            heap.pop()
            self._activate(queued)

    # Time.

    def _next_due(self) -> float | None:
        oldest = next(iter(self._parked.values()), None)
        failed = self._errors.peek()
        due = [oldest.since + UNSCHEDULABLE_SECONDS] if oldest is not None else []
        if failed is not None:
            due.append(failed.backs_off_until)
        return min(due, default=None)

    def _arm(self) -> None:
        due = self._next_due()
        if due is None or (self._timer is not None and self._timer_due <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        self._timer = asyncio.ensure_future(self._wait_due(due))

    async def _wait_due(self, due: float) -> None:
        await self._clock.sleep(due - self._clock.monotonic())
        self._timer = None
        self._activate_due(self._errors)
        long_ago = self._clock.monotonic() - UNSCHEDULABLE_SECONDS
        for queued in [each for each in self._parked.values() if each.since <= long_ago]:
            self._unpark(queued)
        self._arm()
