"""Asking once: from a probe's spec to an action."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.node.actions import command, health_service, port, web
from wherry.node.actions.outcome import ActionError, Outcome
from wherry.node.network_port import PodNetwork
from wherry.node.pod import spec
from wherry.node.runtimes.port import Runtime


class ProbeActions:
    """Carries out probes on one node."""

    def __init__(self, *, runtime: Runtime, network: PodNetwork, clock: Clock) -> None:
        self._runtime = runtime
        self._network = network
        self._clock = clock

    async def ask(
        self, handler: Object, container: Object, *, container_id: str, address: str, timeout: float
    ) -> Outcome:
        """`handler` is a probe or the like (exec, httpGet, tcpSocket, grpc). Raises `ActionError`."""
        try:
            if action := handler.get("exec"):
                arguments = action.get("command") or ()
                return await command.run(self._runtime, container_id, arguments, clock=self._clock, timeout=timeout)
            if action := handler.get("httpGet"):
                return await web.check(
                    self._network, page(action, container, address), clock=self._clock, timeout=timeout
                )
            if action := handler.get("tcpSocket"):
                number = spec.named_port(container, action["port"])
                host = action.get("host") or address
                return await port.check(self._network, host, number, clock=self._clock, timeout=timeout)
            if action := handler.get("grpc"):
                return await health_service.check(
                    self._network,
                    address,
                    int(action["port"]),
                    action.get("service") or "",
                    clock=self._clock,
                    timeout=timeout,
                )
        except ValueError as error:
            raise ActionError(str(error)) from error
        raise ActionError(f"missing probe handler for container {container['name']}")


def page(action: Object, container: Object, address: str) -> web.Page:
    """What an httpGet asks for. Raises `ValueError` for an unknown port."""
    path = action.get("path") or "/"
    return web.Page(
        address=action.get("host") or address,
        port=spec.named_port(container, action["port"]),
        path=path if path.startswith("/") else f"/{path}",
        secure=action.get("scheme") == "HTTPS",
        headers=tuple((header["name"], header.get("value") or "") for header in action.get("httpHeaders") or ()),
    )
