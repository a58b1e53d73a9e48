"""postStart and preStop: exec, httpGet, sleep (and the old tcpSocket, which does nothing)."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.node.actions.outcome import ActionError
from wherry.node.probes.probe import ProbeActions

NO_LIMIT_SECONDS = 24 * 3600.0


class HookFailed(Exception):
    """The message goes into the event."""


async def run(
    hook: Object,
    container: Object,
    *,
    actions: ProbeActions,
    clock: Clock,
    container_id: str,
    address: str,
    timeout: float,
) -> None:
    """Return when the hook has ended. Raises `HookFailed`; `TimeoutError` is one of its causes."""
    if (sleep := hook.get("sleep")) is not None:
        await clock.sleep(min(float(sleep.get("seconds") or 0), timeout))
        return
    if "exec" not in hook and "httpGet" not in hook:
        return
    try:
        outcome = await actions.ask(hook, container, container_id=container_id, address=address, timeout=timeout)
    except ActionError as error:
        raise HookFailed(str(error)) from error
    if not outcome.success and not outcome.answered:
        raise HookFailed(outcome.output or "the command ended with an error")
