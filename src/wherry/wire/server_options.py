"""How an HTTP server behaves where the standard leaves a choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wherry.base.log import Logger
from wherry.wire.messages import Request, Response

OnError = Callable[[Request, Exception], Response]
"""Turns what a handler raised into an answer."""

OnReject = Callable[[int, str], Response]
"""Words an answer (status, why) for a request that never became one: too large, malformed, too slow."""

_log = Logger("wire")


def plain_error(request: Request, error: Exception) -> Response:
    """500, and the traceback in the log."""
    _log.error("handler failed", method=request.method, path=request.path, error=repr(error))
    return Response(500, b"internal server error\n", "text/plain; charset=utf-8")


def plain_reject(status: int, why: str) -> Response:
    return Response(status, f"{why}\n".encode(), "text/plain; charset=utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Limits in bytes, times in seconds."""

    body_limit: int = 3 * 1024 * 1024
    head_limit: int = 128 * 1024
    """Request line and headers together."""
    head_timeout: float = 32.0
    """From a request's first byte to the end of its headers, and from connecting to the first byte."""
    idle_timeout: float = 90.0
    """Between two requests of one connection."""
    body_timeout: float = 60.0
    """Longest pause within a body."""
    body_total_timeout: float = 300.0
    """From a body's first byte to its last."""
    bodies_limit: int = 256 * 1024 * 1024
    """Bodies of all connections together that have begun and are not complete."""
    reader_timeout: float = 10.0
    """For the peer of a stream that has ended to read what is still due."""
    pipeline: int = 16
    """Requests that may wait behind a running one before the connection is no longer read."""
    on_error: OnError = plain_error
    on_reject: OnReject = plain_reject
