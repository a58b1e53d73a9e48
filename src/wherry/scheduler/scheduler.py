"""The component: one pod after another gets a node; binding goes on beside it."""

from __future__ import annotations

import asyncio
import random

from wherry.api.errors import NotFound, StatusError
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.client.informer import SharedInformers
from wherry.machinery.selectors import Labels
from wherry.scheduler.cache import Cache
from wherry.scheduler.companions import Companions
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.framework import Framework
from wherry.scheduler.handlers import Handlers
from wherry.scheduler.placement import Placement, Refusal
from wherry.scheduler.plugins.default_preemption import DefaultPreemption
from wherry.scheduler.plugins.registry import default_framework
from wherry.scheduler.preemptor import Preemptor
from wherry.scheduler.queue import QueuedPod, SchedulingQueue
from wherry.scheduler.reporting import ERROR, UNSCHEDULABLE, Reporter

DEFAULT_NAME = "default-scheduler"
BINDINGS_AT_ONCE = 64

_NO_LABELS: Labels = {}


class Scheduler:
    """Schedules the pods whose `schedulerName` is `name`. A component; the informers run elsewhere.

    `framework` is the default profile unless given. `rng` decides between nodes that are equally good.
    """

    def __init__(
        self,
        *,
        client: Client,
        informers: SharedInformers,
        clock: Clock,
        name: str = DEFAULT_NAME,
        framework: Framework | None = None,
        rng: random.Random | None = None,
        log: Logger | None = None,
    ) -> None:
        self._log = log or Logger("scheduler")
        companions = Companions(informers)
        budgets = informers.informer("poddisruptionbudgets.policy")
        preemption = DefaultPreemption(budgets=budgets.items, preempting=self._preempting, rng=rng)
        self._framework = framework or default_framework(client, companions.selector, preemption)
        self._namespaces = informers.informer("namespaces")
        self._pods = informers.informer("pods")
        self._needs = (self._namespaces, informers.informer("nodes"), self._pods, budgets, *companions.needs)
        self.cache = Cache(namespace_labels=self._namespace_labels)
        self.queue = SchedulingQueue(
            clock=clock,
            order=self._framework.order,
            pre_enqueue=self._framework.pre_enqueue,
            hints=self._framework.hints(),
        )
        self._placement = Placement(self._framework, self.cache, rng=rng)
        self._reporter = Reporter(client=client, clock=clock, component=name, log=self._log)
        self._preemptor = Preemptor(
            client=client, clock=clock, cache=self.cache, queue=self.queue, reporter=self._reporter, log=self._log
        )
        self._bindings: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(BINDINGS_AT_ONCE)
        Handlers(cache=self.cache, queue=self.queue, name=name).attach(informers)

    async def run(self) -> None:
        for informer in self._needs:
            await informer.wait_synced()
        try:
            while True:
                self._cycle(await self.queue.next())
                # Bindings, watches and events get their turn between two pods.
                await asyncio.sleep(0)
        finally:
            self.queue.close()
            await cancel_and_wait(*self._bindings)
            await self._preemptor.close()
            await self._reporter.close()

    def _namespace_labels(self, namespace: str) -> Labels:
        found = self._namespaces.get("", namespace)
        return (found["metadata"].get("labels") or _NO_LABELS) if found is not None else _NO_LABELS

    def _preempting(self, uid: str) -> bool:
        return self._preemptor.is_running(uid)

    def _cycle(self, queued: QueuedPod) -> None:
        """Decide about one pod. No await in here: nothing may move while plugins look."""
        pod = queued.pod
        if pod.obj["metadata"].get("deletionTimestamp"):
            self._reporter.warn(pod, f"skip schedule deleting pod: {pod.namespace}/{pod.name}")
            self.queue.remove(pod.uid)
            return
        try:
            decision = self._placement.choose(pod)
        except Exception as error:  # noqa: BLE001 - a plugin's bug with one pod must not stop the others
            self._log.exception("scheduling failed", pod=f"{pod.namespace}/{pod.name}")
            self._gave_up(queued, f"running a plugin: {error}")
            return
        if isinstance(decision, Refusal):
            self._refuse(queued, decision)
        else:
            self._give(queued, decision)

    def _refuse(self, queued: QueuedPod, refusal: Refusal) -> None:
        """The pod waits; if a node is to be cleared for it, that begins now."""
        pod, diagnosis, remedy = queued.pod, refusal.diagnosis, refusal.remedy
        nominated = remedy.nomination.node if remedy.nomination is not None else "" if remedy.withdraws else None
        self.queue.reject(queued, diagnosis.plugins())
        self._reporter.failed(pod, diagnosis.message, reason=UNSCHEDULABLE, nominated=nominated)
        if remedy.nomination is not None:
            self._preemptor.start(pod, remedy.nomination)
        elif remedy.withdraws:
            self.cache.withdraw(pod.uid)

    def _give(self, queued: QueuedPod, node: str) -> None:
        pod = queued.pod
        if (status := self._framework.reserve(pod, node)) is not None:
            self._reporter.failed(pod, status.message, reason=UNSCHEDULABLE)
            self.queue.reject(queued, frozenset((status.plugin,)))
            return
        self.cache.assume(pod, node)
        task = asyncio.ensure_future(self._bind(queued, node))
        self._bindings.add(task)
        task.add_done_callback(self._bindings.discard)

    async def _bind(self, queued: QueuedPod, node: str) -> None:
        pod = queued.pod
        try:
            async with self._slots:
                status = await self._framework.bind(pod, node)
        except (StatusError, ConnectionError, TimeoutError, OSError) as error:
            self._take_back(queued, node)
            if not isinstance(error, NotFound) and self._still_waits(queued):
                self._gave_up(queued, f"binding rejected: {error}")
            return
        except asyncio.CancelledError:
            self._take_back(queued, node)
            self.queue.put_back(queued)
            raise
        if status is None:
            self._reporter.scheduled(pod, node)
            self.queue.remove(pod.uid)
            return
        self._take_back(queued, node)
        self._reporter.failed(pod, status.message, reason=UNSCHEDULABLE)
        self.queue.reject(queued, frozenset((status.plugin,)))

    def _take_back(self, queued: QueuedPod, node: str) -> None:
        """The pod is not on the node after all; others may want its place."""
        pod = queued.pod
        self._framework.unreserve(pod, node)
        self.cache.forget(pod.uid)
        was = {**pod.obj, "spec": {**pod.spec, "nodeName": node}}
        self.queue.notify(ClusterEvent.POD_DELETE, was, None)

    def _still_waits(self, queued: QueuedPod) -> bool:
        """Whether the pod is there and without a node, as far as is known here."""
        found = self._pods.get(*queued.pod.key)
        return (
            found is not None and found["metadata"].get("uid") == queued.pod.uid and not found["spec"].get("nodeName")
        )

    def _gave_up(self, queued: QueuedPod, message: str) -> None:
        self._log.warning("not scheduled", pod="/".join(queued.pod.key), error=message)
        self._reporter.failed(queued.pod, message, reason=ERROR)
        self.queue.fail(queued)
