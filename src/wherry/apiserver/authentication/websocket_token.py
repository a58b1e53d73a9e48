"""A token among the subprotocols of a WebSocket, for browsers, which can set no headers.

Source: k8s.io/apiserver/pkg/authentication/request/websocket/protocol.go.
"""

from __future__ import annotations

from wherry.apiserver.authentication.jwt import TokenError, decode_part

HEADER = "sec-websocket-protocol"
_PREFIX = "base64url.bearer.authorization.k8s.io."


def take_token(headers: dict[str, str]) -> str:
    """The token, which is taken out of the header so that nobody chooses it as a protocol; empty without one.

    Raises `TokenError` for one that is not well-formed or stands alone.
    """
    if _PREFIX not in headers.get(HEADER, ""):
        return ""
    protocols = [each.strip() for each in headers[HEADER].split(",")]
    tokens = [each.removeprefix(_PREFIX) for each in protocols if each.startswith(_PREFIX)]
    others = [each for each in protocols if not each.startswith(_PREFIX)]
    if len(tokens) > 1:
        raise TokenError("multiple base64.bearer.authorization tokens specified")
    if not others:
        raise TokenError("missing additional subprotocol")
    headers[HEADER] = ", ".join(others)
    try:
        return decode_part(tokens[0]).decode()
    except UnicodeDecodeError as error:
        raise TokenError("invalid base64.bearer.authorization token") from error
