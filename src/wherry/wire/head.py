"""The head of an HTTP/1.1 message as bytes. What is the same for many messages is rendered once."""

from __future__ import annotations

import time
from functools import lru_cache
from http import HTTPStatus

from wherry.base.clock import Clock
from wherry.wire.messages import Headers

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FORBIDDEN = frozenset("\r\n\0")


@lru_cache(maxsize=512)
def status_line(status: int, content_type: str) -> bytes:
    """`HTTP/1.1 200 OK` and the content type; an unknown status has an empty phrase."""
    line = f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n"
    return (line + (f"Content-Type: {_checked(content_type)}\r\n" if content_type else "")).encode()


def _checked(value: str) -> str:
    if not _FORBIDDEN.isdisjoint(value):
        raise ValueError(f"a header must not contain line breaks: {value!r}")
    return value


def header_lines(headers: Headers) -> bytes:
    """Raises `ValueError` where a value would break out of its line."""
    return "".join([f"{_checked(name)}: {_checked(value)}\r\n" for name, value in headers]).encode()


def http_date(seconds: float) -> str:
    """`Sun, 06 Nov 1994 08:49:37 GMT`, in any locale (RFC 9110, 5.6.7)."""
    t = time.gmtime(seconds)
    day = f"{_DAYS[t.tm_wday]}, {t.tm_mday:02d} {_MONTHS[t.tm_mon - 1]} {t.tm_year:04d}"
    return f"{day} {t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} GMT"


class DateLine:
    """`Date: ...` with its line end, rendered once per second."""

    __slots__ = ("_clock", "_line", "_until")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._line = b""
        self._until = float("-inf")

    def at(self, monotonic: float) -> bytes:
        """The line for now, which is `monotonic` on the same clock."""
        if monotonic >= self._until:
            now = self._clock.now()
            self._line = f"Date: {http_date(now)}\r\n".encode()
            self._until = monotonic + 1.0 - now % 1.0
        return self._line
