"""Reading answers: their bytes, their warnings, and the error that an answer of 400 and above stands for."""

from __future__ import annotations

import re

import orjson

from wherry.api.errors import StatusError, from_status
from wherry.wire.messages import Response

_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')


def warnings_of(response: Response) -> list[str]:
    """The texts of the `Warning` headers, as KEP-1693 has them: `299 - "text"`."""
    found = [value for name, value in response.headers if name.lower() == "warning"]
    return [re.sub(r"\\(.)", r"\1", text) for value in found for text in _WARNING.findall(value)]


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
