"""How the API server is put on the wire: what is refused before it becomes a request is worded as a `Status`, too."""

from __future__ import annotations

from wherry.api.errors import BadRequest, MethodNotAllowed, RequestEntityTooLarge, StatusError, Timeout, TooManyRequests
from wherry.apiserver.answers import error_reply
from wherry.apiserver.bodies import LIMIT_BYTES
from wherry.wire.messages import Response
from wherry.wire.server_options import ServerOptions


def _rejected(status: int, why: str) -> Response:
    if status == 413:
        return error_reply(RequestEntityTooLarge(f"Request entity too large: limit is {LIMIT_BYTES}"))
    if status == 408:
        return error_reply(Timeout(why, code=408))
    if status == 429:
        return error_reply(TooManyRequests(why, retry_after_seconds=1))
    if status == 400:
        return error_reply(BadRequest(why))
    if status == 405:
        return error_reply(MethodNotAllowed(why))
    return error_reply(StatusError(why, code=status))


def wire_options() -> ServerOptions:
    """For `wherry.wire.server.serve`."""
    return ServerOptions(body_limit=LIMIT_BYTES, on_reject=_rejected)
