"""Containers of a node that is switched off: they are asked to end, and get the time that their pods were promised.

No API server, no agent and no hooks are needed: signal and grace stand in the containers' labels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wherry.base.clock import Clock
from wherry.node.container_builder import GRACE_LABEL, STOP_SIGNAL_LABEL
from wherry.node.pod.observed import is_running
from wherry.node.pod.spec import DEFAULT_GRACE_SECONDS
from wherry.node.runtimes.port import ContainerMissing, ContainerState, Runtime


async def ask_to_end(
    runtime: Runtime, *, clock: Clock, most_seconds: float, tell: Callable[[int], None] = lambda running: None
) -> int:
    """Send each running container its stop signal, and wait for its grace period, at most `most_seconds`.

    `tell` gets the number of those that still run, at first and each time one has ended. Returns how many did not end.
    """
    waiting: dict[str, asyncio.Event] = {}

    def changed(state: ContainerState) -> None:
        if not is_running(state) and state.id in waiting:
            waiting.pop(state.id).set()
            tell(len(waiting))

    running = [state for state in runtime.containers() if is_running(state)]
    waiting.update((state.id, asyncio.Event()) for state in running)
    runtime.on_change(changed)
    if running and most_seconds > 0:
        tell(len(running))
        await asyncio.gather(*(_ask(runtime, clock, state, waiting[state.id], most_seconds) for state in running))
    return sum(is_running(state) for state in runtime.containers())


async def _ask(
    runtime: Runtime, clock: Clock, state: ContainerState, ended: asyncio.Event, most_seconds: float
) -> None:
    grace = float(state.labels.get(GRACE_LABEL) or DEFAULT_GRACE_SECONDS)
    try:
        await runtime.kill(state.id, state.labels.get(STOP_SIGNAL_LABEL) or "SIGTERM")
        if is_running(runtime.container(state.id)):
            async with clock.timeout(min(grace, most_seconds)):
                await ended.wait()
    except (ContainerMissing, TimeoutError):
        return
