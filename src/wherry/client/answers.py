"""Reading answers: their bytes, and the error that an answer of 400 and above stands for."""

from __future__ import annotations

import orjson

from wherry.api.errors import StatusError, from_status
from wherry.wire.messages import Response


def content(response: Response) -> bytes:
    """The body in one piece."""
    return response.body if isinstance(response.body, bytes) else b"".join(response.body)


def error_of(code: int, body: bytes) -> StatusError:
    """The error of a `Status` body; any other body becomes the message."""
    try:
        status = orjson.loads(body)
    except orjson.JSONDecodeError:
        status = None
    if not isinstance(status, dict) or status.get("kind") != "Status":
        status = {"message": body.decode(errors="replace").strip()}
    return from_status(status, code)
