"""What an endpoint answers when it cannot do it: a status and a plain text, which the API server passes on."""

from __future__ import annotations

from wherry.wire.messages import Response


class Refused(Exception):
    """An endpoint's answer other than success."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text

    def response(self) -> Response:
        return Response(self.status, self.text.encode(), "text/plain; charset=utf-8")
