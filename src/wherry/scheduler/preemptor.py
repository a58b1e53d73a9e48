"""Carrying out a preemption: the victims are told why and deleted, in the background.

While that goes on, the pod does not look for more victims. If a deletion fails, it is tried again at once.
"""

from __future__ import annotations

import asyncio

from wherry.api.errors import NotFound, StatusError
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait
from wherry.base.times import rfc3339
from wherry.client.client import Client
from wherry.scheduler.cache import Cache
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.post_filter import Nomination
from wherry.scheduler.queue import SchedulingQueue
from wherry.scheduler.reporting import Reporter


class Preemptor:
    def __init__(
        self,
        *,
        client: Client,
        clock: Clock,
        cache: Cache,
        queue: SchedulingQueue,
        reporter: Reporter,
        log: Logger,
    ) -> None:
        self._client = client
        self._clock = clock
        self._cache = cache
        self._queue = queue
        self._reporter = reporter
        self._log = log
        self._running: dict[str, asyncio.Task[None]] = {}

    def is_running(self, uid: str) -> bool:
        return uid in self._running

    def start(self, pod: PodInfo, nomination: Nomination) -> None:
        """The pod keeps the node in reserve from now on."""
        self._cache.nominate(pod, nomination.node)
        self._running[pod.uid] = asyncio.ensure_future(self._preempt(pod, nomination))

    async def close(self) -> None:
        await cancel_and_wait(*self._running.values())

    async def _preempt(self, pod: PodInfo, nomination: Nomination) -> None:
        failed = False
        try:
            self._displace_nominated(pod, nomination.node)
            victims = [each for each in nomination.victims if not each.obj["metadata"].get("deletionTimestamp")]
            results = await asyncio.gather(
                *(self._evict(victim, pod, nomination.node) for victim in victims), return_exceptions=True
            )
            failed = any(isinstance(result, BaseException) for result in results)
        finally:
            self._running.pop(pod.uid, None)
        if failed:
            self._queue.wake(pod.uid)
        elif not any(self._cache.holds(victim.uid) for victim in nomination.victims):
            # All were gone before the last call returned: no further change would wake the pod.
            self._queue.wake(pod.uid)

    def _displace_nominated(self, pod: PodInfo, node: str) -> None:
        """Less important pods that waited for this node look for another one."""
        for other in [each for each in self._cache.nominated(node) if each.priority < pod.priority]:
            self._cache.withdraw(other.uid)
            self._reporter.withdraw(other)
            self._queue.wake(other.uid)

    async def _evict(self, victim: PodInfo, pod: PodInfo, node: str) -> None:
        """Raises what the API server raises, except that the victim is gone."""
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "PreemptionByScheduler",
            "message": f"{pod.spec.get('schedulerName')}: preempting to accommodate a higher priority pod",
            "lastTransitionTime": rfc3339(self._clock.now()),
        }
        if generation := victim.obj["metadata"].get("generation"):
            condition["observedGeneration"] = generation
        patch = {"metadata": {"uid": victim.obj["metadata"].get("uid")}, "status": {"conditions": [condition]}}
        try:
            await self._client.patch(
                "pods", victim.name, patch, namespace=victim.namespace, type="strategic", subresource="status"
            )
            await self._client.delete(
                "pods", victim.name, namespace=victim.namespace, uid=victim.obj["metadata"].get("uid") or ""
            )
        except NotFound:
            return
        except (StatusError, ConnectionError, TimeoutError, OSError) as error:
            self._log.warning("cannot preempt", victim="/".join(victim.key), error=str(error))
            raise
        self._reporter.preempted(victim, pod, node)
