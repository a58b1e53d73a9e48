"""The far end of exec and attach, whatever protocol it speaks: standard streams, terminal sizes, one status at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from wherry.api.types import Object


@dataclass(frozen=True, slots=True)
class Input:
    """Bytes for the standard input."""

    data: bytes


@dataclass(frozen=True, slots=True)
class InputEnd:
    """The standard input has ended."""


@dataclass(frozen=True, slots=True)
class Size:
    """The terminal's new size."""

    columns: int
    rows: int


Event = Input | InputEnd | Size


class Remote(Protocol):
    """One client. Drivers: `channels` (WebSocket), `spdy_remote`. Sending raises `ConnectionError` when it is gone."""

    async def receive(self) -> Event | None:
        """What the client sends next; None when it is gone."""

    async def send(self, stream: str, data: bytes) -> None:
        """Output of `stdout` or `stderr`; dropped where the client did not ask for that stream."""

    async def send_status(self, status: Object) -> None:
        """How it ended, as `metav1.Status`."""

    async def close(self) -> None:
        """After the status: nothing more will come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """Which streams the client wants."""

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False
