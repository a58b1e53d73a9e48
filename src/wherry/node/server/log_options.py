"""What part of a container's log is asked for, and in what shape."""

from __future__ import annotations

from dataclasses import dataclass

from wherry.base.times import parse_rfc3339
from wherry.node.server.errors import Refused
from wherry.node.server.parameters import Query, flag, number, text

_STREAMS = {"": frozenset((b"stdout", b"stderr")), "All": frozenset((b"stdout", b"stderr"))} | {
    "Stdout": frozenset((b"stdout",)),
    "Stderr": frozenset((b"stderr",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """As `PodLogOptions`. `since` is in seconds since 1970, 0 for everything."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: float = 0.0
    tail_lines: int | None = None
    limit_bytes: int | None = None
    streams: frozenset[bytes] = _STREAMS["All"]


def parse(query: Query, now: float) -> LogOptions:
    """Raises `Refused` (422)."""
    stream = text(query, "stream")
    if stream not in _STREAMS:
        raise Refused(422, f"stream: {stream!r} is not one of All, Stdout, Stderr")
    return LogOptions(
        follow=flag(query, "follow"),
        previous=flag(query, "previous"),
        timestamps=flag(query, "timestamps"),
        since=_since(query, now),
        tail_lines=number(query, "tailLines", at_least=0),
        limit_bytes=number(query, "limitBytes", at_least=1),
        streams=_STREAMS[stream],
    )


def _since(query: Query, now: float) -> float:
    seconds = number(query, "sinceSeconds", at_least=1)
    moment = text(query, "sinceTime")
    if seconds is not None and moment:
        raise Refused(422, "at most one of `sinceTime` or `sinceSeconds` may be specified")
    if seconds is not None:
        return now - seconds
    if not moment:
        return 0.0
    try:
        return parse_rfc3339(moment)
    except ValueError as error:
        raise Refused(422, f"sinceTime: {error}") from None
