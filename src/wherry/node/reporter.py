"""What a pod's worker tells the world: the pod's status, and events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.node import termination
from wherry.node.layout import PodPaths
from wherry.node.pod import spec
from wherry.node.pod import status as pod_status
from wherry.node.pod.admission import Rejection
from wherry.node.pod.conditions import OWNED
from wherry.node.pod.observed import Observed, Waiting
from wherry.node.pod.spec import Kind
from wherry.node.runtimes.port import ContainerPhase
from wherry.node.tools import Tools


class Reporter:
    """`status` is what was told last; it may be newer than the API's. After `silence` the API is told nothing more."""

    def __init__(self, tools: Tools, pod: Object, paths: PodPaths) -> None:
        self.status: Object = dict(pod.get("status") or {})
        self.start_time: str = self.status.get("startTime") or rfc3339(tools.clock.now())
        self._tools = tools
        self._paths = paths
        self._messages: dict[str, str] = {}
        self._silent = False

    def silence(self) -> None:
        self._silent = True

    def tell_status(self, pod: Object, seen: Observed, facts: pod_status.Facts) -> None:
        """Make the status from what is seen, and have it written if it changed."""
        if self._silent:
            return
        self._read_messages(pod, seen)
        whole = replace(
            facts,
            node_addresses=tuple(self._tools.network.node_addresses),
            start_time=self.start_time,
            messages=self._messages,
            scheme=self._tools.scheme,
        )
        self._put(pod, pod_status.build(self._with_own_status(pod), seen, whole, self._tools.clock.now()))

    def tell_rejection(self, pod: Object, rejection: Rejection) -> None:
        """The node does not take the pod: the last that is told of it."""
        self.event(pod, "Warning", rejection.reason, rejection.message)
        generation = pod["metadata"].get("generation")
        status = pod_status.rejected(
            rejection.reason, rejection.message, now=self._tools.clock.now(), generation=generation
        )
        self._put(pod, {**self.status, **status})
        self.silence()

    def _put(self, pod: Object, status: Object) -> None:
        self.status = status
        self._tools.statuses.put(pod, status)

    def _with_own_status(self, pod: Object) -> Object:
        """The pod with what we said last over what the API says: ours is newer, but for others' conditions."""
        status = pod.get("status") or {}
        own = {entry["type"]: entry for entry in self.status.get("conditions") or ()}
        theirs = {entry["type"]: entry for entry in status.get("conditions") or ()}
        conditions = {**own, **theirs, **{name: own[name] for name in own if name in OWNED}}
        return {**pod, "status": {**status, **self.status, "conditions": list(conditions.values())}}

    def _read_messages(self, pod: Object, seen: Observed) -> None:
        """The last words of containers that ended, once."""
        for states in seen.containers.values():
            for state in states:
                if state.phase is ContainerPhase.EXITED and state.id not in self._messages:
                    found = spec.find_container(pod, state.name)
                    path = self._paths.termination(state.name, state.attempt)
                    self._messages[state.id] = termination.message(found[1], state, path) if found else ""

    def event(self, pod: Object, type_: str, reason: str, message: str) -> None:
        """An event about the pod."""
        self._tools.events.event(pod, type_, reason, message)

    def container_event(self, pod: Object, kind: Kind, name: str, type_: str, reason: str, message: str) -> None:
        path = spec.container_field_path(kind, name)
        self._tools.events.event(pod, type_, reason, message, field_path=path)

    def back_offs(self, pod: Object, seen: Observed, waiting: Mapping[str, Waiting], told: set[str]) -> None:
        """An event for every end that is followed by a wait, once; `told` are the container ids it was told for."""
        for name, reason in waiting.items():
            latest, found = seen.latest(name), spec.find_container(pod, name)
            if reason.reason != "CrashLoopBackOff" or latest is None or latest.id in told or found is None:
                continue
            told.add(latest.id)
            text = f"Back-off restarting failed container {name} in pod {spec.full_name(pod)}"
            self.container_event(pod, found[0], name, "Warning", "BackOff", text)
