"""What to do next for a pod that should run: pure, from the spec, what is observed, and the time.

What always holds: `decide` changes nothing and may be called at any moment; the same input gives the same plan; a
container is never in both `start` and `kill`. The rules follow the kubelet's (kuberuntime manager, KEP-753 sidecars).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wherry.api.types import Object
from wherry.node.pod import restart, spec
from wherry.node.pod.observed import HASH_LABEL, RESOURCES_LABEL, Observed, Waiting, is_running
from wherry.node.runtimes.port import ContainerPhase, ContainerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A running container that must stop, with the text of its `Killing` event."""

    state: ContainerState
    message: str
    grace_seconds: int
    redo: bool = False
    """Start it again whatever the restart policy says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    set_up: bool = False
    """Make the volumes, the network and the sandbox; nothing else can be done before."""
    start: tuple[str, ...] = ()
    """Containers that may start now, in the order in which they should."""
    kill: tuple[Kill, ...] = ()
    resize: tuple[ContainerState, ...] = ()
    """Running containers whose resources changed."""
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    """Containers that will start later, and why not now."""
    wake_at: float | None = None
    """Decide again at that time (wall clock), even if nothing happens."""
    finished: bool = False
    """No container will ever run again: stop what is left and report the end."""


def decide(pod: Object, seen: Observed, now: float) -> Plan:
    """The next steps for a pod that is neither deleted nor over its deadline."""
    draft = _Draft(pod, seen, now)
    if not seen.sandbox_ready:
        return Plan(finished=True) if draft.ended_before() else Plan(set_up=True)
    for container in spec.ephemeral_containers(pod):
        if seen.latest(container["name"]) is None:
            draft.start(container)
    if draft.init():
        draft.apps()
    return draft.plan()


class _Draft:
    """A plan in the making."""

    def __init__(self, pod: Object, seen: Observed, now: float) -> None:
        self._pod = pod
        self._seen = seen
        self._now = now
        self._start: list[str] = []
        self._kill: list[Kill] = []
        self._resize: list[ContainerState] = []
        self._waiting: dict[str, Waiting] = {}
        self._wake_at: list[float] = []
        self._finished = False

    def plan(self) -> Plan:
        if self._finished:
            return Plan(finished=True)
        return Plan(
            start=tuple(self._start),
            kill=tuple(self._kill),
            resize=tuple(self._resize),
            waiting=self._waiting,
            wake_at=min(self._wake_at, default=None),
        )

    def ended_before(self) -> bool:
        """Without a sandbox: whether all app containers ran already and none will again (after a reboot)."""
        states = [(container, self._seen.latest(container["name"])) for container in spec.app_containers(self._pod)]
        return all(
            state is not None
            and state.phase is ContainerPhase.EXITED
            and not restart.should_run(self._pod, container, state)
            for container, state in states
        )

    def start(self, container: Object) -> None:
        """Start a container now, or note until when it waits."""
        name = container["name"]
        failure = self._seen.failures.get(name)
        if failure is not None and failure.retry_at > self._now:
            self._wait(name, failure.waiting, failure.retry_at)
            return
        latest = self._seen.latest(name)
        if latest is not None and latest.phase is ContainerPhase.EXITED:
            entry = self._seen.backoffs.get(name)
            ready = restart.ready_at(entry, latest.finished_at)
            if entry is not None and ready > self._now:
                self._wait(name, crash_loop(self._pod, name, entry.delay), ready)
                return
        self._start.append(name)

    def _wait(self, name: str, waiting: Waiting, until: float) -> None:
        self._waiting[name] = waiting
        self._wake_at.append(until)

    def _restarting_kill(self, container: Object, state: ContainerState) -> bool:
        """Stop a running container whose probe failed or whose definition changed. True if it must stop."""
        name, verdict = container["name"], self._seen.verdict(state.id)
        changed = self._changed(container, state)
        if not changed and not verdict.failed:
            return False
        message = changed or f"Container {name} failed {verdict.failed} probe"
        if changed or restart.policy(self._pod, container) != "Never":
            message += ", will be restarted"
        grace = _probe_grace(self._pod, container, "" if changed else verdict.failed)
        if state.id not in self._seen.stopping:
            self._kill.append(Kill(state=state, message=message, grace_seconds=grace, redo=bool(changed)))
        return True

    def _changed(self, container: Object, state: ContainerState) -> str:
        """Why the container must be made anew, if it must; a change of resources may do without."""
        wanted = spec.container_hash(container)
        if state.labels.get(HASH_LABEL, wanted) != wanted:
            return f"Container {container['name']} definition changed"
        text = spec.resources_text(container)
        given = self._seen.applied.get(state.id) or state.labels.get(RESOURCES_LABEL, text)
        if given != text:
            if spec.resize_restarts(container, given):
                return f"Container {container['name']} resize requires restart"
            self._resize.append(state)
        return ""

    def init(self) -> bool:
        """Bring the init containers and sidecars forward. True when the app containers may run."""
        containers = spec.init_containers(self._pod)
        if not containers:
            return True
        running_before = any(self._app_lives(container) for container in spec.app_containers(self._pod))
        initialized = passed = running_before
        wanted: list[Object] = []
        # From the last one back: the newest init container that has run tells how far the pod had come, also when
        # the ones before it were removed already.
        for index in range(len(containers) - 1, -1, -1):
            container, is_last = containers[index], index == len(containers) - 1
            state = self._init_state(container["name"])
            if state is None or (passed and not spec.is_sidecar(container)):
                if passed and spec.is_sidecar(container):
                    wanted.append(container)
                continue
            if self._step_init(container, state, wanted) and not passed:
                if is_last:
                    initialized = True
                else:
                    wanted.append(containers[index + 1])
            if self._finished:
                return False
            passed = True
        if not passed:
            wanted.append(containers[0])
        for container in reversed(wanted):
            self.start(container)
        return initialized

    def _step_init(self, container: Object, state: ContainerState, wanted: list[Object]) -> bool:
        """One init container that has a state. True if the next one may start."""
        sidecar = spec.is_sidecar(container)
        if state.phase is ContainerPhase.CREATED:
            wanted.append(container)
            return False
        if is_running(state):
            if not sidecar:
                return False
            return not self._restarting_kill(container, state) and self._seen.verdict(state.id).started
        if sidecar:
            wanted.append(container)
            return False
        if state.exit_code == 0:
            return True
        if restart.init_restarts_on_failure(self._pod, container, state.exit_code):
            wanted.append(container)
        else:
            self._finished = True
        return False

    def _init_state(self, name: str) -> ContainerState | None:
        state = self._seen.latest(name)
        return None if state is not None and state.created_at < self._seen.sandbox_since else state

    def _app_lives(self, container: Object) -> bool:
        state = self._seen.latest(container["name"])
        return state is not None and state.created_at >= self._seen.sandbox_since

    def apps(self) -> None:
        """Start, keep or stop the app containers."""
        alive = False
        for container in spec.app_containers(self._pod):
            name = container["name"]
            state = self._seen.latest(name)
            if state is not None and is_running(state):
                alive = True
                self._restarting_kill(container, state)
            elif name in self._seen.redo or restart.should_run(self._pod, container, state):
                alive = True
                self.start(container)
        self._finished = not alive


def crash_loop(pod: Object, name: str, delay: float) -> Waiting:
    duration = restart.go_duration(delay)
    message = f"back-off {duration} restarting failed container={name} pod={spec.full_name(pod)}"
    return Waiting("CrashLoopBackOff", message)


def _probe_grace(pod: Object, container: Object, failed_probe: str) -> int:
    """The grace period of a restart: a probe may carry its own (KEP-2238)."""
    probe = container.get(f"{failed_probe}Probe") or {} if failed_probe else {}
    own = probe.get("terminationGracePeriodSeconds")
    return spec.grace_seconds(pod) if own is None else int(own)
