"""What can go wrong on the wire, as one tree.

    WireError
    ├── BindFailed             a listening socket could not be made
    │   └── AddressInUse       somebody else listens there
    ├── ConnectFailed          nobody answered, or TLS did not come about        (also a ConnectionError)
    ├── PeerClosed             the connection ended where more was expected       (also a ConnectionError)
    ├── TimedOut               no answer in time                                  (also a TimeoutError)
    ├── ProtocolError          the peer sent what the protocol does not allow
    ├── UpgradeRefused         the server answered an upgrade with an ordinary response
    └── StreamReset            one stream of a multiplexed connection was reset   (also a ConnectionError)

`asyncio` and `ssl` exceptions are translated into these where they enter.
"""

from __future__ import annotations


class WireError(Exception):
    """The root of the tree."""


class BindFailed(WireError):
    """A listening socket could not be made; the message says where and why."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(f"cannot listen on {host}:{port}: {why}")
        self.host = host
        self.port = port


class AddressInUse(BindFailed):
    """Somebody else listens on that port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port, "address already in use")


class ConnectFailed(WireError, ConnectionError):
    """The connection could not be opened."""


class PeerClosed(WireError, ConnectionError):
    """The peer closed the connection in the middle of something."""


class TimedOut(WireError, TimeoutError):
    """The peer did not answer in time."""


class ProtocolError(WireError):
    """The peer broke the protocol."""


class UpgradeRefused(WireError):
    """An upgrade was answered with an ordinary response: its status and whole body are here."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        text = body[:500].decode("utf-8", "replace")
        super().__init__(f"the server refused the upgrade with status {status}: {text}")
        self.status = status
        self.headers = headers
        self.body = body


class StreamReset(WireError, ConnectionError):
    """The peer reset one stream; the others go on."""
