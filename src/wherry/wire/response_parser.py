"""Bytes to one HTTP response: httptools' callbacks collected. A parser serves a single response."""

from __future__ import annotations

from collections import deque

import httptools

from wherry.wire.errors import PeerClosed, ProtocolError
from wherry.wire.messages import Headers

_NO_BODY = frozenset((204, 304))


class ResponseParser:
    """Feed it until `head_complete`, then take from `pieces` and feed on until `complete`."""

    __slots__ = (
        "_framed", "_head_only", "_parser", "complete", "head_complete", "headers", "keep_alive", "pieces", "rest",
        "status", "upgraded",
    )  # fmt: skip

    def __init__(self, *, head_only: bool = False) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._head_only = head_only
        self._framed = False
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.head_complete = False
        self.complete = False
        self.keep_alive = False
        self.upgraded = False
        self.pieces: deque[bytes] = deque()
        self.rest = b""
        """After an upgrade: what came behind the head."""

    def feed(self, data: bytes) -> None:
        """Raises `ProtocolError`."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.complete = self.upgraded = True
            self.rest = data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            if not self.complete:
                raise ProtocolError(f"malformed HTTP response: {error}") from error
            self.keep_alive = False

    def feed_eof(self) -> None:
        """The connection ended. Raises `PeerClosed` unless that is how the body says that it is complete."""
        if not self.head_complete or (self._framed and not self.complete):
            raise PeerClosed("the server closed the connection before its answer was complete")
        self.complete = True
        self.keep_alive = False

    def header(self, name: str) -> str:
        """The first value of a header by its lower-case name; empty when there is none."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    def on_message_begin(self) -> None:
        if self.complete:
            self.keep_alive = False  # bytes that nobody asked for: do not use this connection again

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.head_complete:
            self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if self.head_complete:
            return
        self.status = self._parser.get_status_code()
        if 100 <= self.status < 200 and self.status != 101:
            return
        self.head_complete = True
        self.keep_alive = self._parser.should_keep_alive()
        self._framed = self.status in _NO_BODY or bool(
            self.header("content-length") or "chunked" in self.header("transfer-encoding").lower()
        )
        if self._head_only or self.status == 101:
            self.complete = True

    def on_body(self, data: bytes) -> None:
        if not self._head_only:
            self.pieces.append(data)

    def on_message_complete(self) -> None:
        if not self.head_complete:
            self.headers = []  # 100 Continue and its like: the real answer follows
            return
        self.complete = True


def as_dict(headers: Headers) -> dict[str, str]:
    """Lower-case names; repeated headers joined with `, `."""
    result: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        result[key] = f"{result[key]}, {value}" if key in result else value
    return result
