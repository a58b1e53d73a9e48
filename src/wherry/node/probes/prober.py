"""The probes of one running container: a task per probe, verdicts for the pod's worker.

As upstream: readiness and liveness wait for the startup probe; a container counts as not ready until its readiness
probe has succeeded; a failed startup or liveness probe stops asking until there is a new container. The first question
comes as soon as the initial delay allows. Until the first success, cheap probes (not exec) are asked again sooner than
their period, without counting failures, so that a server is found ready when it is, not up to a period later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.tasks import cancel_and_wait
from wherry.node.actions.outcome import ActionError, Outcome
from wherry.node.pod.observed import ProbeVerdict
from wherry.node.probes.probe import ProbeActions
from wherry.node.probes.thresholds import ProbeKind, Run, Timing, after

EAGER_SECONDS = 0.05
"""The first early repetition; each next one waits twice as long."""

Report = Callable[[str, str], None]
"""Type and message of an event (`Unhealthy`) about the container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The container to ask. `address` is the pod's."""

    container: Object
    container_id: str
    address: str
    started_at: float


class ContainerProbes:
    """Starts asking at once, until `close`. `on_change` is called when the verdict changed."""

    def __init__(
        self,
        target: Target,
        *,
        actions: ProbeActions,
        clock: Clock,
        on_change: Callable[[], None],
        report: Report,
        adopted: bool = False,
    ) -> None:
        """`adopted`: the container ran before this agent did; it stays ready until a probe says otherwise."""
        self._target = target
        self._actions = actions
        self._clock = clock
        self._on_change = on_change
        self._report = report
        self._adopted = adopted
        self._runs: dict[ProbeKind, Run] = {kind: Run() for kind in ProbeKind if kind.spec_field in target.container}
        self._started = asyncio.Event()
        if ProbeKind.STARTUP not in self._runs or adopted:
            self._started.set()
        self._tasks = {
            kind: asyncio.ensure_future(self._keep_asking(kind))
            for kind in self._runs
            if not (adopted and kind is ProbeKind.STARTUP)
        }

    def verdict(self) -> ProbeVerdict:
        readiness = self._runs.get(ProbeKind.READINESS)
        ready = readiness is None or bool(self._adopted if readiness.verdict is None else readiness.verdict)
        return ProbeVerdict(
            started=self._started.is_set(),
            ready=self._started.is_set() and ready,
            failed=next((kind.value for kind in self._runs if self._has_failed(kind)), ""),
        )

    def _has_failed(self, kind: ProbeKind) -> bool:
        return kind is not ProbeKind.READINESS and self._runs[kind].verdict is False

    async def quiet(self) -> None:
        """The pod is being stopped: only readiness is still of interest."""
        stopped = [task for kind, task in self._tasks.items() if kind is not ProbeKind.READINESS]
        self._tasks = {kind: task for kind, task in self._tasks.items() if kind is ProbeKind.READINESS}
        await cancel_and_wait(*stopped)

    async def close(self) -> None:
        await cancel_and_wait(*self._tasks.values())

    async def _keep_asking(self, kind: ProbeKind) -> None:
        probe = self._target.container[kind.spec_field]
        timing = Timing.of(probe)
        await self._clock.sleep(self._target.started_at + timing.initial_delay - self._clock.now())
        if kind is not ProbeKind.STARTUP:
            await self._started.wait()
        while True:
            began = self._clock.monotonic()
            await self._ask_for_a_period(kind, probe, timing, began)
            if self._is_over(kind):
                return
            await self._clock.sleep(max(0.0, timing.period - (self._clock.monotonic() - began)))

    async def _ask_for_a_period(self, kind: ProbeKind, probe: Object, timing: Timing, began: float) -> None:
        """Ask once, and again early where that makes sense. A failure is told when it was not just too early."""
        eager = self._eager(kind, probe)
        complaint = await self._ask(kind, probe, timing)
        if not complaint:
            return
        if eager and not self._is_over(kind) and await self._ask_early(kind, probe, timing, began):
            return
        self._report("Warning", complaint)

    def _is_over(self, kind: ProbeKind) -> bool:
        return kind is not ProbeKind.READINESS and (
            self._runs[kind].verdict is False or (kind is ProbeKind.STARTUP and self._started.is_set())
        )

    def _eager(self, kind: ProbeKind, probe: Object) -> bool:
        return kind is not ProbeKind.LIVENESS and "exec" not in probe and self._runs[kind].verdict is None

    async def _ask_early(self, kind: ProbeKind, probe: Object, timing: Timing, began: float) -> bool:
        """Ask again within this period, ever more slowly; only a success counts."""
        pause = EAGER_SECONDS
        while self._clock.monotonic() + pause < began + timing.period:
            await self._clock.sleep(pause)
            try:
                outcome = await self._outcome(probe, timing)
            except ActionError:
                return False
            if outcome.success:
                self._count(kind, True, timing)
                return True
            pause *= 2
        return False

    async def _ask(self, kind: ProbeKind, probe: Object, timing: Timing) -> str:
        """What to complain about; empty for a success. A question that cannot be asked does not count."""
        try:
            outcome = await self._outcome(probe, timing)
        except ActionError as error:
            return f"{kind.heading} probe errored and resulted in unknown state: {error}"
        self._count(kind, outcome.success, timing)
        return "" if outcome.success else f"{kind.heading} probe failed: {outcome.output}"

    async def _outcome(self, probe: Object, timing: Timing) -> Outcome:
        """Raises `ActionError`."""
        return await self._actions.ask(
            probe,
            self._target.container,
            container_id=self._target.container_id,
            address=self._target.address,
            timeout=timing.timeout,
        )

    def _count(self, kind: ProbeKind, success: bool, timing: Timing) -> None:
        before = self.verdict()
        self._runs[kind] = after(self._runs[kind], success, timing)
        if kind is ProbeKind.STARTUP and self._runs[kind].verdict:
            self._started.set()
        if self.verdict() != before:
            self._on_change()
