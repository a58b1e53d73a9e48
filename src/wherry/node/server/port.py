"""What the node's HTTP server needs of the node agent: its pods with their status. All else it asks the runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from wherry.api.types import Object


class PodLookup(Protocol):
    """The pods of this node, as the agent knows them now.

    Each is a whole Pod object with the status that the agent computed last, which may be newer than the API server's.
    `containerStatuses` (init and ephemeral ones too) carry `containerID` as `<runtime>://<id>`, where `<id>` is the
    runtime's; `lastState.terminated.containerID` likewise, as long as the container of that id still has its log.
    The server does not change what it gets.
    """

    def pods(self) -> Sequence[Object]:
        """All of them, those that have ended too."""

    def pod(self, namespace: str, name: str) -> Object | None:
        """None when no such pod is on this node."""
