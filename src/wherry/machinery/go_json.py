"""What Go's JSON decoder says of a text that is none, as near as the position of the fault allows."""

from __future__ import annotations

import re

_POSITION = re.compile(r"\(char (\d+)\)$")


def go_json_error(body: bytes, message: str) -> str:
    """The words of Go for a fault of which our decoder said `message`."""
    found = _POSITION.search(message)
    text = body.decode("utf-8", "replace")
    position = int(found.group(1)) if found else len(text)
    if "end of data" in message or position >= len(text):
        return "unexpected end of JSON input"
    if "ecursion" in message:
        return "exceeded max depth"
    return f"invalid character {text[position]!r} looking for beginning of value"
