"""One pod on this node, from its admission until nothing of it is left.

The stages, each with a step that looks at what is and starts what is due; nothing in a step waits:

    ADMIT ──► RUN ──► STOP ──► OVER ──► GONE
      └──────rejected──────────►┘

A step runs whenever something happened (the pod changed, a container started or ended, a probe's verdict, a task ended)
or the time has come that the last step named. What takes time (set-up, starting, stopping, releasing) runs in tasks of
their own, at most one of each kind per container.

What always holds: what is decided depends only on the API's pod, the runtime's containers and the clock, so a new agent
goes on where a killed one was; no container starts in STOP or later; the pod is removed from the API only when nothing
of it runs and its address is given back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from enum import StrEnum

from wherry.api.types import Object
from wherry.base.tasks import cancel_and_wait
from wherry.base.times import parse_rfc3339, rfc3339
from wherry.node import removal, termination
from wherry.node.container_builder import PodParts
from wherry.node.image_pulls import StartProblem
from wherry.node.pod import admission, spec
from wherry.node.pod import status as pod_status
from wherry.node.pod.conditions import OWNED
from wherry.node.pod.observed import Failure, Observed, ProbeVerdict, Waiting, group, is_running
from wherry.node.pod.plan import Kill, Plan, decide
from wherry.node.pod.restart import BackoffEntry
from wherry.node.pod.spec import Kind
from wherry.node.pod_setup import PodSetUp, SetUpProblem
from wherry.node.probes.prober import ContainerProbes, Target
from wherry.node.runtimes.port import ContainerPhase, ContainerState
from wherry.node.starter import Starter
from wherry.node.stopper import Stopper
from wherry.node.tools import Tools

SET_UP_AGAIN_SECONDS = 2.0
VOLUMES_AGAIN_SECONDS = 10.0


class Stage(StrEnum):
    ADMIT = "admit"
    RUN = "run"
    STOP = "stop"
    OVER = "over"
    GONE = "gone"


class PodWorker:
    """A component: `run` returns when the pod is gone. `status` is what it computed last."""

    def __init__(self, pod: Object, *, tools: Tools, others: Callable[[], Sequence[Object]]) -> None:
        self.pod = pod
        self.uid = spec.uid(pod)
        self.stage = Stage.ADMIT
        self.status: Object = dict(pod.get("status") or {})
        self.removed = False
        self._tools = tools
        self._others = others
        self._wake = asyncio.Event()
        self._timer: asyncio.Task[None] | None = None
        self._timer_at: float | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._setup = PodSetUp(tools, pod)
        self._stopper = Stopper(tools, self._tell, self._address)
        self._starter = Starter(tools, self._tell, self._address, self._stopper.exits)
        self._parts: PodParts | None = None
        self._sandbox_since = 0.0
        self._set_up_after = 0.0
        self._set_up_failures = 0
        self._refresh_at: float | None = None
        self._backoffs: dict[str, BackoffEntry] = {}
        self._failures: dict[str, Failure] = {}
        self._redo: set[str] = set()
        self._told: set[str] = set()
        self._probes: dict[str, ContainerProbes] = {}
        self._messages: dict[str, str] = {}
        self._addresses: tuple[str, ...] = self._known_addresses()
        self._start_time = self.status.get("startTime") or rfc3339(tools.clock.now())
        self._failed: tuple[str, str] = ("", "")
        self._grace: float | None = None
        self._released = False
        self._told_end = False
        """The API has the last status already: it ended before this agent came, or was never admitted."""
        self._steps = {
            Stage.ADMIT: self._admit,
            Stage.RUN: self._run_step,
            Stage.STOP: self._stop_step,
            Stage.OVER: self._over_step,
        }

    # What happens outside.

    def update(self, pod: Object) -> None:
        """The API has a newer version of the pod."""
        before, self.pod = self.pod, pod
        if _meaning(before) != _meaning(pod):
            self._volumes_due()
            self.wake()

    def remove(self, pod: Object) -> None:
        """The API no longer has the pod; `pod` is its last state."""
        self.pod = pod
        self.removed = True
        self.wake()

    def references_changed(self) -> None:
        """A ConfigMap or Secret that the pod uses changed."""
        self._failures = {
            name: failure
            for name, failure in self._failures.items()
            if failure.waiting.reason != "CreateContainerConfigError"
        }
        self._set_up_after = 0.0
        self._volumes_due()
        self.wake()

    def container_changed(self, state: ContainerState) -> None:
        self._stopper.exits.changed(state)
        self.wake()

    def wake(self) -> None:
        self._wake.set()

    # The loop.

    async def run(self) -> None:
        try:
            while self.stage is not Stage.GONE:
                self._wake.clear()
                wake_at = self._steps[self.stage]()
                if self._wake.is_set():
                    continue
                self._arm(wake_at)
                await self._wake.wait()
        finally:
            await self._close()

    async def _close(self) -> None:
        """Let go: containers go on without us."""
        tasks = [*self._tasks.values(), *([self._timer] if self._timer is not None else [])]
        await cancel_and_wait(*tasks)
        for probes in self._probes.values():
            await probes.close()

    def _arm(self, wake_at: float | None) -> None:
        if wake_at == self._timer_at and (self._timer is None or not self._timer.done()):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, wake_at
        if wake_at is not None:
            self._timer = asyncio.ensure_future(self._wake_later(wake_at))

    async def _wake_later(self, wake_at: float) -> None:
        await self._tools.clock.sleep(max(0.0, wake_at - self._tools.clock.now()))
        self.wake()

    def _do(self, key: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do something in a task, unless that is being done already."""
        if key in self._tasks:
            return

        async def guarded() -> None:
            try:
                await work()
            except asyncio.CancelledError:
                raise
            except Exception:
                self._tools.log.exception("pod worker task failed", pod=spec.full_name(self.pod), task=key)
                await self._tools.clock.sleep(SET_UP_AGAIN_SECONDS)
            finally:
                self._tasks.pop(key, None)
                self.wake()

        self._tasks[key] = asyncio.ensure_future(guarded())

    # ADMIT: may this pod run here?

    def _admit(self) -> float | None:
        if spec.is_terminal(self.pod):
            self._told_end = True
            self.stage = Stage.OVER
        elif self._containers() or self._sandbox_ready() or self._must_stop() is not None:
            self.stage = Stage.RUN
        elif rejection := admission.check(self.pod, self._tools.node(), self._others()):
            self._failed = (rejection.reason, rejection.message)
            self._event("Warning", rejection.reason, rejection.message)
            generation = self.pod["metadata"].get("generation")
            status = pod_status.rejected(*self._failed, now=self._tools.clock.now(), generation=generation)
            self._publish_status({**self.status, **status})
            self._told_end = True
            self.stage = Stage.OVER
        else:
            self.stage = Stage.RUN
        self.wake()
        return None

    # RUN: bring the pod to what its spec says.

    def _run_step(self) -> float | None:
        stop = self._must_stop()
        if stop is not None:
            self._failed = stop
            self._enter_stop()
            return None
        now = self._tools.clock.now()
        seen = self._observe()
        plan = decide(self.pod, seen, now)
        self._follow(plan, seen)
        if plan.finished:
            self._enter_stop()
            return None
        self._sync_probes()
        self._publish(self._observe(), plan)
        return _earliest(plan.wake_at, self._deadline(), self._due_set_up(now), self._refresh_at)

    def _must_stop(self) -> tuple[str, str] | None:
        """Whether the pod is to be stopped, with the reason and message of its failure (empty for a deletion)."""
        if self.removed or spec.is_deleted(self.pod):
            return ("", "")
        deadline = self._deadline()
        if deadline is not None and self._tools.clock.now() >= deadline:
            return ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
        return None

    def _deadline(self) -> float | None:
        seconds = self.pod["spec"].get("activeDeadlineSeconds")
        return None if seconds is None else parse_rfc3339(self._start_time) + float(seconds)

    def _due_set_up(self, now: float) -> float | None:
        return self._set_up_after if self._set_up_after > now else None

    def _follow(self, plan: Plan, seen: Observed) -> None:
        now = self._tools.clock.now()
        if (plan.set_up or self._parts is None) and not plan.finished and now >= self._set_up_after:
            self._do("set up", self._set_up)
        if plan.finished or self._parts is None:
            return
        for kill in plan.kill:
            self._do(f"stop {kill.state.id}", lambda kill=kill: self._restart(kill))  # type: ignore[misc]
        if plan.start and not seen.starting:
            name = plan.start[0]
            self._do(f"start {name}", lambda: self._start(name))
        if self._refresh_at is not None and now >= self._refresh_at:
            self._do("refresh", self._refresh)
        self._tell_back_off(plan, seen)

    def _tell_back_off(self, plan: Plan, seen: Observed) -> None:
        """Once for every end that is followed by a wait."""
        for name, waiting in plan.waiting.items():
            latest = seen.latest(name)
            if waiting.reason == "CrashLoopBackOff" and latest is not None and latest.id not in self._told:
                self._told.add(latest.id)
                text = f"Back-off restarting failed container {name} in pod {spec.full_name(self.pod)}"
                self._tell_by_name(name, "Warning", "BackOff", text)

    async def _set_up(self) -> None:
        fresh = not self._sandbox_ready()
        try:
            self._parts, self._refresh_at = await self._setup.make(self.pod)
        except SetUpProblem as error:
            self._set_up_failures += 1
            delay = min(SET_UP_AGAIN_SECONDS * 2 ** min(self._set_up_failures, 6), 120.0)
            self._set_up_after = self._tools.clock.now() + delay
            self._event("Warning", error.reason, str(error))
            return
        self._set_up_failures = 0
        self._addresses = self._setup.addresses
        if fresh and self._containers():
            self._sandbox_since = self._tools.clock.now()
            self._event("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")

    async def _refresh(self) -> None:
        try:
            self._refresh_at = await self._setup.refresh(self.pod)
        except SetUpProblem as error:
            self._event("Warning", error.reason, str(error))
            self._refresh_at = self._tools.clock.now() + VOLUMES_AGAIN_SECONDS

    def _volumes_due(self) -> None:
        if self._parts is not None and self.stage is Stage.RUN:
            self._refresh_at = self._tools.clock.now()

    async def _start(self, name: str) -> None:
        found = spec.find_container(self.pod, name)
        if found is None or self._parts is None:
            return
        states = self._observe().containers.get(name, ())
        parts = replace(self._parts, identity=self._setup.identity(self.pod))
        try:
            await self._starter.start(self.pod, *found, states, parts, self._backoffs)
        except StartProblem as error:
            self._failures[name] = error.failure
            return
        self._failures.pop(name, None)
        self._redo.discard(name)

    async def _restart(self, kill: Kill) -> None:
        if kill.redo:
            self._redo.add(kill.state.name)
        await self._close_probes(kill.state.id)
        await self._stopper.stop(self.pod, kill.state, message=kill.message, grace=kill.grace_seconds)

    # STOP: end what runs.

    def _enter_stop(self) -> None:
        self.stage = Stage.STOP
        for key, task in self._tasks.items():
            if not key.startswith("stop "):
                task.cancel()
        self.wake()

    def _stop_step(self) -> float | None:
        grace = self._grace_seconds()
        if "stop" in self._tasks and self._grace is not None and grace < self._grace:
            self._tasks["stop"].cancel()
        elif any(key != "stop" and not key.startswith("stop ") for key in self._tasks):
            return None  # Something was being made: it must be out of the way before we look what runs.
        elif running := self._observe().running():
            self._grace = grace
            self._do("quiet", self._quiet)
            self._do("stop", lambda: self._stopper.stop_pod(self.pod, running, grace))
        elif not self._tasks:
            self.stage = Stage.OVER
            self.wake()
        if self.stage is Stage.STOP:
            self._publish(self._observe(), Plan())
        return None

    def _grace_seconds(self) -> float:
        """What the deletion asked for, else the spec's. A pod that is over its deadline has the spec's too."""
        return float(spec.grace_seconds(self.pod))

    async def _quiet(self) -> None:
        for probes in list(self._probes.values()):
            await probes.quiet()

    # OVER: nothing runs; tell so, give everything back, and forget the pod when the API does.

    def _over_step(self) -> float | None:
        if self._probes:
            self._do("probes", self._close_all_probes)
        if not self._told_end:
            self._publish(self._observe(), Plan(finished=True))
        if not self._released:
            self._do("release", self._release)
        elif self.removed:
            self._do("remove", self._remove)
        elif spec.is_deleted(self.pod):
            self._do("confirm", self._confirm)
        return None

    async def _release(self) -> None:
        await self._setup.release(self.pod)
        self._released = True

    async def _confirm(self) -> None:
        """The pod is to be deleted and nothing of it runs: remove it from the API."""
        await removal.confirm(self._tools, self.pod)
        if not self.removed:
            await self._tools.clock.sleep(SET_UP_AGAIN_SECONDS)

    async def _remove(self) -> None:
        await removal.remove_pod(self._tools, self._setup.paths, self.uid)
        self.stage = Stage.GONE

    # What is, and what is told.

    def _containers(self) -> list[ContainerState]:
        return [state for state in self._tools.runtime.containers() if state.pod_uid == self.uid]

    def _sandbox_ready(self) -> bool:
        attached = spec.uses_host_network(self.pod) or self._setup.attachment is not None
        return attached and self.uid in self._tools.runtime.sandboxes()

    def _observe(self) -> Observed:
        return Observed(
            containers=group(self._containers()),
            sandbox_ready=self._sandbox_ready() and self.stage is not Stage.OVER,
            sandbox_since=self._sandbox_since,
            probes=self._verdicts(),
            backoffs=self._backoffs,
            failures=self._failures,
            starting=next((key.removeprefix("start ") for key in self._tasks if key.startswith("start ")), ""),
            stopping=frozenset(key.removeprefix("stop ") for key in self._tasks if key.startswith("stop ")),
            redo=frozenset(self._redo),
        )

    def _verdicts(self) -> dict[str, ProbeVerdict]:
        return {container_id: probes.verdict() for container_id, probes in self._probes.items()}

    def _sync_probes(self) -> None:
        """A prober for every running container that has probes and is not being stopped."""
        running = {state.id: state for state in self._containers() if is_running(state)}
        for container_id in [one for one in self._probes if one not in running]:
            probes = self._probes.pop(container_id)
            self._do(f"probes {container_id}", probes.close)
        for state in running.values():
            found = spec.find_container(self.pod, state.name)
            stopping = f"stop {state.id}" in self._tasks
            if found is not None and state.id not in self._probes and not stopping and _has_probes(*found):
                self._probes[state.id] = self._probe(*found, state)

    def _probe(self, kind: Kind, container: Object, state: ContainerState) -> ContainerProbes:
        target = Target(
            container=container, container_id=state.id, address=self._address(), started_at=state.started_at
        )
        return ContainerProbes(
            target,
            actions=self._tools.probes,
            clock=self._tools.clock,
            on_change=self.wake,
            report=lambda type_, message: self._tell(kind, state.name, type_, "Unhealthy", message),
            adopted=self._was_ready(state),
        )

    def _was_ready(self, state: ContainerState) -> bool:
        """Whether the API knows this very container as ready, from an agent before this one."""
        for field_name in ("containerStatuses", "initContainerStatuses"):
            for status in (self.pod.get("status") or {}).get(field_name) or ():
                if str(status.get("containerID", "")).endswith(f"//{state.id}"):
                    return bool(status.get("ready"))
        return False

    async def _close_probes(self, container_id: str) -> None:
        if (probes := self._probes.pop(container_id, None)) is not None:
            await probes.close()

    async def _close_all_probes(self) -> None:
        for container_id in list(self._probes):
            await self._close_probes(container_id)

    def _waiting(self, plan: Plan) -> dict[str, Waiting]:
        failed = {name: failure.waiting for name, failure in self._failures.items()}
        return {**failed, **plan.waiting}

    def _publish(self, seen: Observed, plan: Plan) -> None:
        self._read_messages(seen)
        facts = pod_status.Facts(
            node_addresses=tuple(self._tools.network.node_addresses),
            pod_addresses=self._addresses,
            start_time=self._start_time,
            waiting=self._waiting(plan),
            messages=self._messages,
            scheme=self._tools.scheme,
            ending=self.stage in (Stage.STOP, Stage.OVER),
            ended=self.stage is Stage.OVER,
            failed_reason=self._failed[0],
            failed_message=self._failed[1],
        )
        self._publish_status(pod_status.build(self._with_own_status(), seen, facts, self._tools.clock.now()))

    def _publish_status(self, status: Object) -> None:
        self.status = status
        if not self.removed:
            self._tools.statuses.put(self.pod, status)

    def _with_own_status(self) -> Object:
        """The pod with what we said last over what the API says: ours is newer, but for others' conditions."""
        status = self.pod.get("status") or {}
        own = {entry["type"]: entry for entry in self.status.get("conditions") or ()}
        theirs = {entry["type"]: entry for entry in status.get("conditions") or ()}
        conditions = {**own, **theirs, **{name: own[name] for name in own if name in OWNED}}
        return {**self.pod, "status": {**status, **self.status, "conditions": list(conditions.values())}}

    def _read_messages(self, seen: Observed) -> None:
        for states in seen.containers.values():
            for state in states:
                if state.phase is ContainerPhase.EXITED and state.id not in self._messages:
                    found = spec.find_container(self.pod, state.name)
                    path = self._setup.paths.termination(state.name, state.attempt)
                    self._messages[state.id] = termination.message(found[1], state, path) if found else ""

    def _known_addresses(self) -> tuple[str, ...]:
        if self._setup.attachment is not None:
            return self._setup.addresses
        return tuple(entry["ip"] for entry in self.status.get("podIPs") or ())

    def _address(self) -> str:
        host_network = spec.uses_host_network(self.pod)
        addresses = self._tools.network.node_addresses if host_network else self._addresses
        return addresses[0] if addresses else "127.0.0.1"

    def _event(self, type_: str, reason: str, message: str) -> None:
        self._tools.events.event(self.pod, type_, reason, message)

    def _tell(self, kind: Kind, name: str, type_: str, reason: str, message: str) -> None:
        path = spec.container_field_path(kind, name)
        self._tools.events.event(self.pod, type_, reason, message, field_path=path)

    def _tell_by_name(self, name: str, type_: str, reason: str, message: str) -> None:
        found = spec.find_container(self.pod, name)
        if found is not None:
            self._tell(found[0], name, type_, reason, message)


def _meaning(pod: Object) -> tuple[object, ...]:
    """What of a pod makes a difference to its node: not the status that the node itself wrote."""
    names = ("generation", "labels", "annotations", "deletionTimestamp", "deletionGracePeriodSeconds")
    conditions = (pod.get("status") or {}).get("conditions") or ()
    others = [condition for condition in conditions if condition["type"] not in OWNED]
    return (pod["spec"], [pod["metadata"].get(name) for name in names], others)


def _has_probes(kind: Kind, container: Object) -> bool:
    probes = ("startupProbe", "readinessProbe", "livenessProbe")
    return kind in (Kind.APP, Kind.SIDECAR) and any(name in container for name in probes)


def _earliest(*moments: float | None) -> float | None:
    return min((moment for moment in moments if moment is not None), default=None)
