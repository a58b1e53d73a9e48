"""Telling people how scheduling went: events, and the pod's condition PodScheduled."""

from __future__ import annotations

import asyncio
from typing import Any

from wherry.api.errors import NotFound, StatusError
from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait
from wherry.base.times import rfc3339
from wherry.client.client import Client
from wherry.client.events import EventRecorder
from wherry.scheduler.framework.pod_info import PodInfo, scheduler_name

UNSCHEDULABLE = "Unschedulable"
ERROR = "SchedulerError"


class Reporter:
    """Writes in the background; what cannot be written is logged, and said again at the next failure."""

    def __init__(self, *, client: Client, clock: Clock, log: Logger) -> None:
        self._client = client
        self._log = log
        self._clock = clock
        self._recorders: dict[str, EventRecorder] = {}
        self._writes: set[asyncio.Task[None]] = set()

    def scheduled(self, pod: PodInfo, node: str) -> None:
        message = f"Successfully assigned {pod.namespace}/{pod.name} to {node}"
        self._event(pod, pod, "Normal", "Scheduled", message)

    def warn(self, pod: PodInfo, message: str) -> None:
        self._event(pod, pod, "Warning", "FailedScheduling", message)

    def failed(self, pod: PodInfo, message: str, *, reason: str, nominated: str | None = None) -> None:
        """The event, and the condition where it says something else so far.

        `nominated` is the node to nominate; empty withdraws the nomination, None leaves it.
        """
        self.warn(pod, message)
        status: Object = {}
        condition = _condition(pod.obj, reason, message, rfc3339(self._clock.now()))
        if condition is not None:
            status["conditions"] = [condition]
        if nominated is not None and nominated != _nominated(pod):
            status["nominatedNodeName"] = nominated or None
        if status:
            self._write(pod, status)

    def withdraw(self, pod: PodInfo) -> None:
        """The pod has lost its nomination to another one."""
        if _nominated(pod):
            self._write(pod, {"nominatedNodeName": None})

    def preempted(self, victim: PodInfo, pod: PodInfo, node: str) -> None:
        self._event(pod, victim, "Normal", "Preempted", f"Preempted by pod {pod.uid} on node {node}")

    def _event(self, pod: PodInfo, about: PodInfo, type: str, reason: str, message: str) -> None:
        """In the name of the profile that schedules the pod."""
        name = scheduler_name(pod.obj)
        recorder = self._recorders.get(name)
        if recorder is None:
            recorder = self._recorders[name] = EventRecorder(self._client, name, self._clock, log=self._log)
        recorder.event(about.obj, type, reason, message)

    def _write(self, pod: PodInfo, status: Object) -> None:
        task = asyncio.ensure_future(self._patch(pod, {"status": status}))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _patch(self, pod: PodInfo, patch: Object) -> None:
        try:
            await self._client.patch(
                "pods", pod.name, patch, namespace=pod.namespace, type="strategic", subresource="status"
            )
        except NotFound:
            return
        except (StatusError, ConnectionError, TimeoutError, OSError) as error:
            self._log.warning("cannot write a pod's status", pod=f"{pod.namespace}/{pod.name}", error=str(error))

    async def close(self) -> None:
        await cancel_and_wait(*self._writes)


def _nominated(pod: PodInfo) -> str:
    return (pod.obj.get("status") or {}).get("nominatedNodeName") or ""


def _condition(pod: Object, reason: str, message: str, now: str) -> dict[str, Any] | None:
    """PodScheduled=False as it has to be written; None where it stands there already."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    current = next((each for each in conditions if each.get("type") == "PodScheduled"), None) or {}
    wanted: dict[str, Any] = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    if generation := pod["metadata"].get("generation"):
        wanted["observedGeneration"] = generation
    if all(current.get(name) == value for name, value in wanted.items()):
        return None
    since = current.get("lastTransitionTime") if current.get("status") == "False" else None
    return {**wanted, "lastProbeTime": None, "lastTransitionTime": since or now}
