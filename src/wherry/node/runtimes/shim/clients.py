"""Those who are connected to a shim: the agent's control connection, and attached streams."""

from __future__ import annotations

import _socket
import time

from wherry.node.runtimes.shim.records import frame

BACKLOG = 1 << 18
"""Unsent bytes to one client from which on the container's output waits for it."""
PATIENCE_SECONDS = 30.0
"""A client that takes nothing for so long is dropped, so that it cannot hold the container."""

UNKNOWN, CONTROL, ATTACH = 0, 1, 2


class Client:
    """One connection with its buffers; never blocks."""

    def __init__(self, connection: _socket.socket, kind: int = UNKNOWN) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.kind = kind
        self.gives_stdin = False
        self.incoming = bytearray()
        self.outgoing = bytearray()
        self.gone = False
        self._progress = time.monotonic()

    def fileno(self) -> int:
        return self.connection.fileno()

    def send(self, data: bytes) -> None:
        if not self.outgoing:
            self._progress = time.monotonic()
        self.outgoing += data
        self.flush()

    def send_frame(self, kind: int, payload: bytes) -> None:
        self.send(frame(kind, payload))

    def flush(self) -> None:
        try:
            while self.outgoing and not self.gone:
                del self.outgoing[: self.connection.send(self.outgoing)]
                self._progress = time.monotonic()
        except BlockingIOError:
            pass
        except OSError:
            self.gone = True

    def fill(self) -> None:
        """Read what is there; `gone` at the end."""
        try:
            chunk = self.connection.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if chunk:
            self.incoming += chunk
        else:
            self.gone = True

    def holds_back(self) -> bool:
        """Whether the container's output should wait for this client; gives it up when it is stuck."""
        if len(self.outgoing) < BACKLOG:
            return False
        if time.monotonic() - self._progress > PATIENCE_SECONDS:
            self.gone = True
        return not self.gone

    def close(self) -> None:
        self.connection.close()
