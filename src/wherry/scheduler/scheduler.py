"""The component: one pod after another gets a node; binding goes on beside it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

from wherry.api.errors import NotFound, StatusError
from wherry.base.backoff import Backoff
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.client.informer import SharedInformers
from wherry.machinery.selectors import Labels
from wherry.scheduler.cache import Cache
from wherry.scheduler.companions import Companions
from wherry.scheduler.configuration.model import ProfileConfig, SchedulerConfig
from wherry.scheduler.configuration.profiles import Needs, framework
from wherry.scheduler.consultation import Changed, Consultation
from wherry.scheduler.extenders import ExtenderError, Extenders
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.framework import Framework
from wherry.scheduler.framework.pod_info import scheduler_name
from wherry.scheduler.handlers import Handlers
from wherry.scheduler.metrics import ERROR as ERROR_RESULT
from wherry.scheduler.metrics import SCHEDULED, Counters, lines
from wherry.scheduler.metrics import UNSCHEDULABLE as UNSCHEDULABLE_RESULT
from wherry.scheduler.placement import Placement, Refusal
from wherry.scheduler.plugins.default_preemption import DefaultPreemption
from wherry.scheduler.preemptor import Preemptor
from wherry.scheduler.profile import Profile, Profiles
from wherry.scheduler.queue import QueuedPod, SchedulingQueue
from wherry.scheduler.reporting import ERROR, UNSCHEDULABLE, Reporter
from wherry.scheduler.storage import devices
from wherry.scheduler.storage.view import informed

BINDINGS_AT_ONCE = 64
PODS_AT_ONCE = 8
"""So many pods are decided about before bindings, watches and requests get their turn."""

_NO_LABELS: Labels = {}


class Scheduler:
    """Schedules the pods whose `schedulerName` is one of the configuration's. A component; the informers run elsewhere.

    `framework` takes the place of the plugins of all profiles. `rng` decides between nodes that are equally good.
    """

    def __init__(
        self,
        *,
        client: Client,
        informers: SharedInformers,
        clock: Clock,
        config: SchedulerConfig | None = None,
        framework: Framework | None = None,
        rng: random.Random | None = None,
        log: Logger | None = None,
    ) -> None:
        config = config or SchedulerConfig()
        self._log = log or Logger("scheduler")
        self._rng = rng or random.Random()
        companions = self.companions = Companions(informers)
        budgets = informers.informer("poddisruptionbudgets.policy")
        self._namespaces = informers.informer("namespaces")
        self._pods = informers.informer("pods")
        storage, stored = informed(informers)
        offered, listed = devices.informed(informers)
        nodes = informers.informer("nodes")
        self._needs = (self._namespaces, nodes, self._pods, budgets, *companions.needs, *stored, *listed)
        self.cache = Cache(namespace_labels=self._namespace_labels)

        def preemption(percent: int, at_least: int) -> DefaultPreemption:
            return DefaultPreemption(
                budgets=budgets.items, preempting=self._preempting, rng=rng, percent=percent, at_least=at_least
            )

        needs = Needs(client, companions.selector, preemption, config.extenders, storage, offered)
        self._profiles = Profiles([self._profile(each, framework, needs) for each in config.profiles])
        self.queue = SchedulingQueue(
            clock=clock,
            order=self._profiles.order,
            pre_enqueue=self._profiles.pre_enqueue,
            hints=self._profiles.hints(),
            backoff=Backoff(initial=config.initial_backoff_seconds, cap=config.max_backoff_seconds),
        )
        self._extenders = Extenders(config.extenders, cache=self.cache, clock=clock, log=self._log)
        self._consultation = Consultation(self._extenders, self.cache, self._rng)
        self._reporter = Reporter(client=client, clock=clock, log=self._log)
        self._preemptor = Preemptor(
            client=client, clock=clock, cache=self.cache, queue=self.queue, reporter=self._reporter, log=self._log
        )
        self._clock = clock
        self._counters = Counters()
        self._bindings: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(BINDINGS_AT_ONCE)
        handlers = Handlers(cache=self.cache, queue=self.queue, names=self._profiles.by_name)
        handlers.attach(informers)
        handlers.attach_storage(informers)

    def _profile(self, config: ProfileConfig, given: Framework | None, needs: Needs) -> Profile:
        plugins = given or framework(config, needs)
        placement = Placement(plugins, self.cache, rng=self._rng, percentage=config.percentage)
        return Profile(config.name, plugins, placement)

    async def run(self) -> None:
        for informer in self._needs:
            await informer.wait_synced()
        try:
            while True:
                await self._decide(await self.queue.next())
                for _ in range(PODS_AT_ONCE - 1):
                    if (queued := self.queue.next_nowait()) is None:
                        break
                    await self._decide(queued)
                # Bindings, watches and events get their turn.
                await asyncio.sleep(0)
        finally:
            self.queue.close()
            await cancel_and_wait(*self._bindings)
            await self._preemptor.close()
            await self._reporter.close()
            await self._extenders.aclose()

    def metric_lines(self) -> Iterator[str]:
        """For `/metrics`."""
        return lines(self._counters, self.queue.places())

    def _namespace_labels(self, namespace: str) -> Labels:
        found = self._namespaces.get("", namespace)
        return (found["metadata"].get("labels") or _NO_LABELS) if found is not None else _NO_LABELS

    def _preempting(self, uid: str) -> bool:
        return self._preemptor.is_running(uid)

    async def _decide(self, queued: QueuedPod) -> None:
        pod = queued.pod
        if pod.obj["metadata"].get("deletionTimestamp"):
            self._reporter.warn(pod, f"skip schedule deleting pod: {pod.namespace}/{pod.name}")
            self.queue.remove(pod.uid)
            return
        placement = self._profiles.of(pod).placement
        began = self._clock.monotonic()
        try:
            if self._extenders.concern(pod):
                decision = await self._consultation.choose(placement, pod)
            else:
                decision = placement.choose(pod)
        except Changed:
            self.queue.put_back(queued)
        except ExtenderError as error:
            self._gave_up(queued, str(error))
        except Exception as error:  # noqa: BLE001 - a plugin's bug with one pod must not stop the others
            self._log.exception("scheduling failed", pod=f"{pod.namespace}/{pod.name}")
            self._gave_up(queued, f"running a plugin: {error}")
        else:
            result = UNSCHEDULABLE_RESULT if isinstance(decision, Refusal) else SCHEDULED
            self._counters.attempt(scheduler_name(pod.obj), result, self._clock.monotonic() - began)
            self._act(queued, decision)

    def _act(self, queued: QueuedPod, decision: str | Refusal) -> None:
        """No await between the plugins' look and this: the node is as they saw it."""
        if self.queue.place(queued.pod.uid) is None:
            return  # Gone while extenders were asked.
        if isinstance(decision, Refusal):
            self._refuse(queued, decision)
        else:
            self._give(queued, decision)

    def _refuse(self, queued: QueuedPod, refusal: Refusal) -> None:
        """The pod waits; if a node is to be cleared for it, that begins now."""
        pod, diagnosis, remedy = queued.pod, refusal.diagnosis, refusal.remedy
        nominated = remedy.nomination.node if remedy.nomination is not None else "" if remedy.withdraws else None
        self.queue.reject(queued, self._profiles.of(pod).known_as(diagnosis.plugins()))
        self._reporter.failed(pod, diagnosis.message, reason=UNSCHEDULABLE, nominated=nominated)
        if remedy.nomination is not None:
            self._counters.preempted(len(remedy.nomination.victims))
            self._preemptor.start(pod, remedy.nomination)
        elif remedy.withdraws:
            self.cache.withdraw(pod.uid)

    def _give(self, queued: QueuedPod, node: str) -> None:
        pod = queued.pod
        profile = self._profiles.of(pod)
        if (status := profile.framework.reserve(pod, node)) is not None:
            self._reporter.failed(pod, status.message, reason=UNSCHEDULABLE)
            self.queue.reject(queued, profile.known_as((status.plugin,)))
            return
        self.cache.assume(pod, node)
        task = asyncio.ensure_future(self._bind(queued, profile.framework, node))
        self._bindings.add(task)
        task.add_done_callback(self._bindings.discard)

    async def _bind(self, queued: QueuedPod, plugins: Framework, node: str) -> None:
        pod = queued.pod
        try:
            status = await plugins.before_bind(pod, node)
            if status is None:
                async with self._slots:
                    await plugins.bind(pod, node, binder=self._extenders.binder(pod))
        except (StatusError, ExtenderError, ConnectionError, TimeoutError, OSError) as error:
            self._take_back(queued, plugins, node)
            if not isinstance(error, NotFound) and self._still_waits(queued):
                self._gave_up(queued, f"binding rejected: {error}")
            return
        except asyncio.CancelledError:
            self._take_back(queued, plugins, node)
            self.queue.put_back(queued)
            raise
        if status is None:
            self._counters.placed(queued.attempts, self._clock.monotonic() - queued.came)
            self._reporter.scheduled(pod, node)
            self.queue.remove(pod.uid)
            return
        self._take_back(queued, plugins, node)
        self._reporter.failed(pod, status.message, reason=UNSCHEDULABLE)
        # What happened since the plugins looked may help already, and was told to nobody: not parked, only delayed.
        self.queue.fail(queued)

    def _take_back(self, queued: QueuedPod, plugins: Framework, node: str) -> None:
        """The pod is not on the node after all; others may want its place."""
        pod = queued.pod
        plugins.unreserve(pod, node)
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
        self._counters.attempt(scheduler_name(queued.pod.obj), ERROR_RESULT, 0.0)
        self._log.warning("not scheduled", pod="/".join(queued.pod.key), error=message)
        self._reporter.failed(queued.pod, message, reason=ERROR)
        self.queue.fail(queued)
