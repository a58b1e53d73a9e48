"""One pod on this node, from its admission until nothing of it is left.

The stages, each with a step that looks at what is and starts what is due; nothing in a step waits:

    ADMIT ──► RUN ──► STOP ◄──► OVER ──► GONE
      └───────rejected──────────►┘

A step runs whenever something happened (the pod changed, a container started or ended, a probe's verdict, a task ended)
or the time has come that the last step named. What takes time (set-up, starting, stopping, releasing) runs in tasks of
their own, at most one of each kind per container.

What always holds: what is decided depends only on the API's pod, the runtime's containers and the clock, so a new agent
goes on where a killed one was; no container is started in STOP or later; the pod is removed from the API only when
nothing of it runs and its address is given back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum

from wherry.api.types import Object
from wherry.base.failpoints import reach
from wherry.base.times import parse_rfc3339
from wherry.node import removal
from wherry.node.container_builder import PodParts
from wherry.node.image_pulls import StartProblem
from wherry.node.keyed_tasks import Alarm, KeyedTasks
from wherry.node.pod import admission, resources, spec
from wherry.node.pod.conditions import OWNED
from wherry.node.pod.observed import Failure, Observed, group, is_running
from wherry.node.pod.plan import Kill, Plan, decide
from wherry.node.pod.restart import BackoffEntry
from wherry.node.pod.spec import Kind
from wherry.node.pod.status import Facts
from wherry.node.pod_probes import PodProbes
from wherry.node.pod_setup import PodSetUp, SetUpProblem
from wherry.node.reporter import Reporter
from wherry.node.runtimes.port import ContainerState
from wherry.node.starter import Starter
from wherry.node.stopper import Stopper
from wherry.node.tools import Tools

SET_UP_AGAIN_SECONDS = 2.0
SET_UP_AGAIN_CAP = 120.0
VOLUMES_AGAIN_SECONDS = 10.0
CONFIRM_AGAIN_SECONDS = 2.0
SANDBOX_CHANGED = "Pod sandbox changed, it will be killed and re-created."


class Stage(StrEnum):
    ADMIT = "admit"
    RUN = "run"
    STOP = "stop"
    OVER = "over"
    GONE = "gone"


class PodWorker:
    """A component: `run` returns when the pod is gone. `others` are the pods that hold resources of the node beside it."""

    def __init__(self, pod: Object, *, tools: Tools, others: Callable[[], Sequence[Object]]) -> None:
        self.pod = pod
        self.uid = spec.uid(pod)
        self.stage = Stage.ADMIT
        self._removed = False
        self._tools = tools
        self._others = others
        self._alarm = Alarm(tools.clock)
        self._tasks = KeyedTasks(clock=tools.clock, log=tools.log, on_end=self._alarm.wake, about=spec.full_name(pod))
        self._setup = PodSetUp(tools, pod)
        self._reporter = Reporter(tools, pod, self._setup.paths)
        self._stopper = Stopper(tools, self._tell, self._address)
        self._starter = Starter(tools, self._tell, self._address, self._stopper.exits)
        self._probes = PodProbes(tools, on_change=self._alarm.wake, tell=self._tell)
        self._parts: PodParts | None = None
        self._sandbox_since = 0.0
        self._set_up_after = 0.0
        self._set_up_failures = 0
        self._refresh_at: float | None = None
        self._backoffs: dict[str, BackoffEntry] = {}
        self._failures: dict[str, Failure] = {}
        self._applied: dict[str, str] = {}
        self._redo: set[str] = set()
        self._told: set[str] = set()
        self._addresses: tuple[str, ...] = self._known_addresses()
        self._failed: tuple[str, str] = ("", "")
        self._grace: float | None = None
        self._released = False
        self._steps = {
            Stage.ADMIT: self._admit,
            Stage.RUN: self._run_step,
            Stage.STOP: self._stop_step,
            Stage.OVER: self._over_step,
        }

    @property
    def status(self) -> Object:
        """What was told last."""
        return self._reporter.status

    # What happens outside.

    def update(self, pod: Object) -> None:
        """The API has a newer version of the pod."""
        before, self.pod = self.pod, pod
        if _meaning(before) != _meaning(pod):
            self._volumes_due()
            self._alarm.wake()

    def remove(self, pod: Object) -> None:
        """The API no longer has the pod; `pod` is its last state."""
        self.pod = pod
        self._removed = True
        self._reporter.silence()
        self._alarm.wake()

    def references_changed(self) -> None:
        """A ConfigMap or Secret that the pod uses changed."""
        waiting_for_it = [
            name for name, failure in self._failures.items() if failure.waiting.reason == "CreateContainerConfigError"
        ]
        for name in waiting_for_it:
            del self._failures[name]
        self._set_up_after = 0.0
        self._volumes_due()
        self._alarm.wake()

    def container_changed(self, state: ContainerState) -> None:
        self._stopper.exits.changed(state)
        self._alarm.wake()

    # The loop.

    async def run(self) -> None:
        try:
            while self.stage is not Stage.GONE:
                self._alarm.reset()
                wake_at = self._steps[self.stage]()
                if not self._alarm.rings:
                    await self._alarm.wait(wake_at)
        finally:
            # Let go: containers go on without us.
            await self._tasks.close()
            await self._alarm.close()
            await self._probes.close()

    def _go_to(self, stage: Stage) -> None:
        self.stage = stage
        self._alarm.wake()

    # ADMIT: may this pod run here?

    def _admit(self) -> float | None:
        if spec.is_terminal(self.pod):
            self._reporter.silence()
            self._go_to(Stage.OVER)
        elif self._containers() or self._sandbox_ready() or self._must_stop() is not None:
            self._go_to(Stage.RUN)
        elif rejection := admission.check(self.pod, self._tools.node(), self._others()):
            self._reporter.tell_rejection(self.pod, rejection)
            self._go_to(Stage.OVER)
        else:
            self._go_to(Stage.RUN)
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
        if plan.finished:
            self._enter_stop()
            return None
        self._follow(plan, seen, now)
        self._sync_probes()
        self._publish(plan)
        return _earliest(plan.wake_at, self._deadline(), _later(self._set_up_after, now), self._refresh_at)

    def _must_stop(self) -> tuple[str, str] | None:
        """Whether the pod is to be stopped, with the reason and message of its failure (empty for a deletion)."""
        if self._removed or spec.is_deleted(self.pod):
            return ("", "")
        deadline = self._deadline()
        if deadline is not None and self._tools.clock.now() >= deadline:
            return ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
        return None

    def _deadline(self) -> float | None:
        seconds = self.pod["spec"].get("activeDeadlineSeconds")
        return None if seconds is None else parse_rfc3339(self._reporter.start_time) + float(seconds)

    def _follow(self, plan: Plan, seen: Observed, now: float) -> None:
        """Start what the plan asks for."""
        if (plan.set_up or self._parts is None) and now >= self._set_up_after:
            self._tasks.do("set up", self._set_up)
        if self._parts is None:
            return
        for kill in plan.kill:
            self._tasks.do(f"stop {kill.state.id}", lambda kill=kill: self._restart(kill))  # type: ignore[misc]
        for state in plan.resize:
            self._tasks.do(f"resize {state.id}", lambda state=state: self._resize(state))  # type: ignore[misc]
        if plan.start and not seen.starting:
            name = plan.start[0]
            self._tasks.do(f"start {name}", lambda: self._start(name))
        if self._refresh_at is not None and now >= self._refresh_at:
            self._tasks.do("refresh", self._refresh)
        self._reporter.back_offs(self.pod, seen, plan.waiting, self._told)

    async def _set_up(self) -> None:
        fresh = not self._sandbox_ready()
        if fresh and self.uid in self._tools.runtime.sandboxes():
            await self._give_up_sandbox()
        try:
            self._parts, self._refresh_at = await self._setup.make(self.pod)
        except SetUpProblem as error:
            self._set_up_failures += 1
            delay = min(SET_UP_AGAIN_SECONDS * 2 ** min(self._set_up_failures, 10), SET_UP_AGAIN_CAP)
            self._set_up_after = self._tools.clock.now() + delay
            self._reporter.event(self.pod, "Warning", error.reason, str(error))
            return
        self._set_up_failures = 0
        self._addresses = self._setup.addresses
        if fresh and self._containers():
            self._sandbox_since = self._tools.clock.now()
            self._reporter.event(self.pod, "Normal", "SandboxChanged", SANDBOX_CHANGED)

    async def _give_up_sandbox(self) -> None:
        """The pod's network is gone, and with it the use of what runs in it: stop that and begin anew."""
        running = self._observe().running()
        if running:
            self._reporter.event(self.pod, "Normal", "SandboxChanged", SANDBOX_CHANGED)
            await self._stopper.stop_pod(self.pod, running, float(spec.grace_seconds(self.pod)))
        await self._tools.runtime.remove_sandbox(self.uid)

    async def _refresh(self) -> None:
        try:
            self._refresh_at = await self._setup.refresh(self.pod)
        except SetUpProblem as error:
            self._reporter.event(self.pod, "Warning", error.reason, str(error))
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
        await self._probes.stop(kill.state.id)
        await self._stopper.stop(self.pod, kill.state, message=kill.message, grace=kill.grace_seconds)

    async def _resize(self, state: ContainerState) -> None:
        """Give a running container other resources."""
        found = spec.find_container(self.pod, state.name)
        if found is not None:
            wanted = resources.of_container(self.pod, found[1], memory_capacity=self._tools.memory_capacity)
            await self._tools.runtime.update(state.id, wanted)
            self._applied[state.id] = spec.resources_text(found[1])

    def _sync_probes(self) -> None:
        """Probe every running container that has probes and is neither being started nor stopped."""
        running = [state for state in self._containers() if is_running(state)]
        for container_id in self._probes.not_among(state.id for state in running):
            self._tasks.do(f"probes {container_id}", lambda one=container_id: self._probes.stop(one))  # type: ignore[misc]
        kept = [state for state in running if not {f"stop {state.id}", f"start {state.name}"} & set(self._tasks)]
        self._probes.start(self.pod, kept, self._address())

    # STOP: end what runs.

    def _enter_stop(self) -> None:
        self._tasks.cancel(lambda key: not key.startswith("stop "))
        self._go_to(Stage.STOP)

    def _stop_step(self) -> float | None:
        grace = float(spec.grace_seconds(self.pod))
        if "stop" in self._tasks:
            if self._grace is not None and grace < self._grace:
                self._tasks.cancel(lambda key: key == "stop")
        elif any(not key.startswith("stop ") for key in self._tasks):
            return None  # Something was being made: it must be out of the way before we look what runs.
        elif running := self._observe().running():
            self._grace = grace
            self._tasks.do("stop", lambda: self._stop_all(running, grace))
        elif not self._tasks:
            self._go_to(Stage.OVER)
            return None
        self._publish(Plan())
        return None

    async def _stop_all(self, running: list[ContainerState], grace: float) -> None:
        await self._probes.quiet()
        await self._stopper.stop_pod(self.pod, running, grace)

    # OVER: nothing runs; tell so, give everything back, and forget the pod when the API does.

    def _over_step(self) -> float | None:
        if self._observe().running():
            self._go_to(Stage.STOP)  # A start that was cancelled came through all the same.
            return None
        if self._probes:
            self._tasks.do("probes", self._probes.close)
        self._publish(Plan())
        if not self._released:
            self._tasks.do("release", self._release)
        elif self._removed:
            self._tasks.do("remove", self._remove)
        elif spec.is_deleted(self.pod):
            self._tasks.do("confirm", self._confirm)
        return None

    async def _release(self) -> None:
        await self._setup.release(self.pod)
        reach("node.over.released")
        self._released = True

    async def _confirm(self) -> None:
        """The pod is to be deleted and nothing of it runs: remove it from the API."""
        await removal.confirm(self._tools, self.pod)
        if not self._removed:
            await self._tools.clock.sleep(CONFIRM_AGAIN_SECONDS)

    async def _remove(self) -> None:
        await removal.remove_pod(self._tools, self._setup.paths, self.uid)
        self._go_to(Stage.GONE)

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
            probes=self._probes.verdicts(),
            backoffs=self._backoffs,
            failures=self._failures,
            starting=next(iter(self._tasks.after("start ")), ""),
            stopping=frozenset(self._tasks.after("stop ")),
            applied=self._applied,
            redo=frozenset(self._redo),
        )

    def _publish(self, plan: Plan) -> None:
        failed = {name: failure.waiting for name, failure in self._failures.items()}
        facts = Facts(
            pod_addresses=self._addresses,
            waiting={**failed, **plan.waiting},
            ending=self.stage in (Stage.STOP, Stage.OVER),
            ended=self.stage is Stage.OVER,
            failed_reason=self._failed[0],
            failed_message=self._failed[1],
        )
        self._reporter.tell_status(self.pod, self._observe(), facts)

    def _known_addresses(self) -> tuple[str, ...]:
        if self._setup.attachment is not None:
            return self._setup.addresses
        return tuple(entry["ip"] for entry in self.status.get("podIPs") or ())

    def _address(self) -> str:
        host_network = spec.uses_host_network(self.pod)
        addresses = self._tools.network.node_addresses if host_network else self._addresses
        return addresses[0] if addresses else "127.0.0.1"

    def _tell(self, kind: Kind, name: str, type_: str, reason: str, message: str) -> None:
        self._reporter.container_event(self.pod, kind, name, type_, reason, message)


def _meaning(pod: Object) -> tuple[object, ...]:
    """What of a pod makes a difference to its node: not the status that the node itself wrote."""
    names = ("generation", "labels", "annotations", "deletionTimestamp", "deletionGracePeriodSeconds")
    conditions = (pod.get("status") or {}).get("conditions") or ()
    others = [condition for condition in conditions if condition["type"] not in OWNED]
    return (pod["spec"], [pod["metadata"].get(name) for name in names], others)


def _earliest(*moments: float | None) -> float | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _later(moment: float, now: float) -> float | None:
    return moment if moment > now else None
