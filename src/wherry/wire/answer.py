"""An answer as the bytes of HTTP/1.1: its head, and its body in as few writes as is good. Pure, but for `write`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from wherry.wire.head import header_lines, status_line
from wherry.wire.messages import Response, StreamResponse, Upgrade

WRITE_SIZE = 1024 * 1024
"""Pieces are joined up to this size: a system call and a TLS record for each small one cost more than copying them."""
_BODILESS = frozenset((204, 304))


@dataclass(slots=True)
class Form:
    """How this connection wants its answer. Not frozen: one is made per request, and that would cost twice as much."""

    method: str
    keep_alive: bool
    http10: bool


def whole(response: Response, form: Form, date: bytes) -> tuple[bytes, bytes | tuple[bytes, ...], int]:
    """Head, what of the body is sent, and the size of that. Raises `ValueError` for a header that cannot be sent."""
    body = response.body
    pieces: bytes | tuple[bytes, ...] = body if isinstance(body, bytes) else tuple(body)
    size = len(pieces) if isinstance(pieces, bytes) else sum(map(len, pieces))
    status = response.status
    bodiless = status in _BODILESS
    parts = [status_line(status, "" if bodiless else response.content_type), date]
    if response.headers:
        parts.append(header_lines(response.headers))
    if not form.keep_alive:
        parts.append(b"Connection: close\r\n")
    elif form.http10:
        parts.append(b"Connection: keep-alive\r\n")
    parts.append(b"\r\n" if bodiless else b"Content-Length: %d\r\n\r\n" % size)
    if bodiless or form.method == "HEAD":
        return b"".join(parts), b"", 0
    return b"".join(parts), pieces, size


def stream_head(reply: StreamResponse, form: Form, date: bytes) -> bytes:
    """Of a body whose length is not known: chunked, or until the connection closes."""
    parts = [status_line(reply.status, reply.content_type), date, header_lines(reply.headers)]
    if not form.http10:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    if not form.keep_alive:
        parts.append(b"Connection: close\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


def upgrade_head(reply: Upgrade) -> bytes:
    """101, with `Connection: Upgrade` where the headers do not say it."""
    headers = list(reply.headers)
    if not any(name.lower() == "connection" for name, _ in headers):
        headers.append(("Connection", "Upgrade"))
    return status_line(101, "") + header_lines(headers) + b"\r\n"


def write(transport: asyncio.Transport, head: bytes, pieces: bytes | tuple[bytes, ...], size: int) -> None:
    """In one write up to `WRITE_SIZE`, else in several of about that size."""
    if size <= WRITE_SIZE:
        transport.write(head + pieces if isinstance(pieces, bytes) else b"".join((head, *pieces)))
        return
    batch, waiting = [head], len(head)
    for piece in (pieces,) if isinstance(pieces, bytes) else pieces:
        batch.append(piece)
        waiting += len(piece)
        if waiting >= WRITE_SIZE:
            transport.write(b"".join(batch))
            batch, waiting = [], 0
    if batch:
        transport.write(b"".join(batch))
