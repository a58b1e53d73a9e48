"""postStart and preStop: exec, httpGet, sleep (and the old tcpSocket, which does nothing)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wherry.api.types import Object
from wherry.node.actions.outcome import ActionError

if TYPE_CHECKING:
    from wherry.node.tools import Tools

NO_LIMIT_SECONDS = 24 * 3600.0


class HookFailed(Exception):
    """The message goes into the event."""


async def run(
    moment: Literal["postStart", "preStop"],
    container: Object,
    *,
    tools: Tools,
    container_id: str,
    address: str,
    timeout: float = NO_LIMIT_SECONDS,
) -> None:
    """Return when the container's hook has ended, at once if it has none. Raises `HookFailed`; `TimeoutError` is one of its causes."""
    hook = (container.get("lifecycle") or {}).get(moment)
    if not hook:
        return
    if (sleep := hook.get("sleep")) is not None:
        await tools.clock.sleep(min(float(sleep.get("seconds") or 0), timeout))
        return
    if "exec" not in hook and "httpGet" not in hook:
        return
    try:
        outcome = await tools.probes.ask(hook, container, container_id=container_id, address=address, timeout=timeout)
    except ActionError as error:
        raise HookFailed(str(error)) from error
    if not outcome.success and not outcome.answered:
        raise HookFailed(outcome.output or "the command ended with an error")
