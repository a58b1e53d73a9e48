"""tcpSocket: a port that takes a connection is healthy."""

from __future__ import annotations

from wherry.base.clock import Clock
from wherry.node.actions.dial import dial, dial_error, host_port
from wherry.node.actions.outcome import Outcome
from wherry.node.network_port import PodNetwork


async def check(network: PodNetwork, address: str, port: int, *, clock: Clock, timeout: float) -> Outcome:
    try:
        async with clock.timeout(timeout):
            stream = await dial(network, address, port)
    except TimeoutError:
        return Outcome(False, f"dial tcp {host_port(address, port)}: i/o timeout")
    except OSError as error:
        return Outcome(False, dial_error(address, port, error))
    stream.close()
    return Outcome(True)
