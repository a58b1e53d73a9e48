"""What carries connections to Services: the port that `nftables` and `userspace` fill."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from wherry.network.services.model import Key, ServicePort

Services = Mapping[Key, tuple[ServicePort, ...]]


class DataplaneFailure(Exception):
    """The rules could not be put in force; what was in force still is. The message says why."""


class Dataplane(Protocol):
    """Carries connections to Services on one node."""

    async def apply(self, services: Services, changed: Collection[Key] | None = None) -> None:
        """Bring everything into the state of `services`, in one step where the dataplane can.

        `changed` names the Services that differ from the last call; None: unknown, or the first call, which also replaces
        what an earlier process left. Connections that are open stay, unless their endpoint is gone. May be repeated;
        raises `DataplaneFailure`.
        """

    async def close(self) -> None:
        """Let go. Rules in the kernel stay and go on working; what this process carried itself ends."""
