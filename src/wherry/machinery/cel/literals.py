"""The values of literals: escapes in strings and bytes, numbers within 64 bits.

Source: the CEL specification, "Lexical analysis"; cel-go `parser/unescape.go`.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\?\"'`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.?))", re.DOTALL
)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class LiteralError(ValueError):
    """No such literal; the message goes into the issue."""


def string_value(token: str) -> str:
    """Raises `LiteralError`."""
    raw, body = _body(token)
    body = body.replace("\r\n", "\n").replace("\r", "\n")
    return body if raw else _ESCAPE.sub(_char, body)


def bytes_value(token: str) -> bytes:
    """Raises `LiteralError`."""
    raw, body = _body(token[1:])
    if raw:
        return body.encode()
    parts, last = [], 0
    for match in _ESCAPE.finditer(body):
        parts.append(body[last : match.start()].encode())
        code = match[2] or match[5]
        if match[3] or match[4]:
            raise LiteralError("unable to unescape string")
        parts.append(bytes([int(code, 16 if match[2] else 8)]) if code else _char(match).encode())
        last = match.end()
    return b"".join([*parts, body[last:].encode()])


def _body(token: str) -> tuple[bool, str]:
    raw = token[0] in "rR"
    token = token[1:] if raw else token
    edge = 3 if token[:3] in ('"""', "'''") and len(token) >= 6 else 1
    return raw, token[edge:-edge]


def _char(match: re.Match[str]) -> str:
    if simple := match[1]:
        return _SIMPLE.get(simple, simple)
    for group, base in ((2, 16), (3, 16), (4, 16), (5, 8)):
        if match[group]:
            code = int(match[group], base)
            if code > 0x10FFFF or 0xD800 <= code < 0xE000:
                raise LiteralError("invalid unicode code point")
            return chr(code)
    raise LiteralError("unable to unescape string")


def int_value(text: str, *, negative: bool) -> int:
    value = _number(text)
    value = -value if negative else value
    if not -(2**63) <= value < 2**63:
        raise LiteralError("invalid int literal")
    return value


def uint_value(text: str) -> int:
    value = _number(text[:-1])
    if value >= 2**64:
        raise LiteralError("invalid uint literal")
    return value


def _number(text: str) -> int:
    if text.startswith("0x"):
        return int(text, 16)
    return int(text) if len(text.lstrip("0")) < 30 else 2**70
