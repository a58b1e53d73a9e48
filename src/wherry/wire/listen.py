"""Listening sockets, with one clear error where they cannot be had."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

from wherry.wire.errors import AddressInUse, BindFailed

BACKLOG = 1024


def listen(hosts: Sequence[str], port: int) -> list[socket.socket]:
    """One TCP socket per host (an IP address), all on the same port, also where `port` is 0 (any free one).

    The caller owns them. Raises `BindFailed` or `AddressInUse`, and then has none.
    """
    sockets: list[socket.socket] = []
    try:
        for host in hosts:
            sockets.append(_listen_one(host, port))
            port = sockets[0].getsockname()[1]
    except BaseException:
        for opened in sockets:
            opened.close()
        raise
    return sockets


def _listen_one(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((host, port))
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except OSError as error:
        opened.close()
        if error.errno == errno.EADDRINUSE:
            raise AddressInUse(host, port) from error
        raise BindFailed(host, port, error.strerror or str(error)) from error
    return opened


def keep_alive(listening: socket.socket) -> None:
    """Let the kernel find out when a silent peer is gone, within a minute; accepted connections inherit it."""
    if listening.family == socket.AF_UNIX:
        return
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 3)):
        if option := getattr(socket, name, None):  # macOS names the first one differently; its default will do
            listening.setsockopt(socket.IPPROTO_TCP, option, value)
