"""A log in the messages of a WebSocket: `binary.k8s.io`, or `base64.binary.k8s.io` for browsers.

Source: k8s.io/apiserver/pkg/util/wsstream `Reader`: an empty message first, then the log, then a normal close.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from wherry.wire.client_connection import ResponseStream

if TYPE_CHECKING:
    from wherry.wire.websocket import WebSocket

LOG_SUBPROTOCOLS = ("binary.k8s.io", "base64.binary.k8s.io")


async def send_log(socket: WebSocket, log: ResponseStream) -> None:
    """Until the log ends. Raises `ConnectionError` when the client goes away."""
    encoded = socket.subprotocol == "base64.binary.k8s.io"
    await socket.send("" if encoded else b"")
    async for piece in log:
        await socket.send(base64.b64encode(piece).decode() if encoded else piece)
