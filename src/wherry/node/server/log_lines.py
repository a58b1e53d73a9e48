"""CRI log lines to what `kubectl logs` shows. Pure: bytes in, bytes out.

A line of the file is `<RFC3339Nano> stdout|stderr P|F <text>`; a `P` line is a part of a longer one, whose end an `F`
line carries, so it is shown without a line break. As upstream's `kuberuntime/logs`, a line that does not parse is left
out, and of several parts only the first one gets a timestamp.
"""

from __future__ import annotations

from functools import lru_cache

from wherry.base.times import parse_rfc3339
from wherry.node.server.log_options import LogOptions


class LogLines:
    """One pass through a log; carries the end of a line that has not been read yet, and what may still be sent."""

    __slots__ = ("_at_line_start", "_lines_left", "_options", "_remaining", "_rest", "_since", "exhausted")

    def __init__(self, options: LogOptions) -> None:
        self._options = options
        self._since = _since_text(options.since)
        self._rest = b""
        self._at_line_start = True
        self._remaining = options.limit_bytes
        self._lines_left = None if options.follow else options.tail_lines
        self.exhausted = options.tail_lines == 0 and not options.follow
        """Nothing that comes later will be shown: a limit is reached."""

    def feed(self, data: bytes) -> bytes:
        """What to send for the next bytes of the file."""
        lines = (self._rest + data if self._rest else data).split(b"\n")
        self._rest = lines.pop()
        shown: list[bytes] = []
        for line in lines:
            if self.exhausted:
                break
            shown.append(self._show(line))
        return b"".join(shown)

    def restart(self) -> None:
        """A new file follows: the line that was not complete never will be."""
        self._rest = b""

    def _show(self, line: bytes) -> bytes:
        parts = line.split(b" ", 3)
        if len(parts) < 3 or parts[1] not in (b"stdout", b"stderr"):
            return b""
        moment, stream, tags = parts[:3]
        content = parts[3] if len(parts) == 4 else b""
        complete = not tags.startswith(b"P")
        self._count_line()
        if stream not in self._options.streams or self._too_old(moment):
            return b""
        shown = content + b"\n" if complete else content
        if self._options.timestamps and self._at_line_start:
            shown = fixed_width(moment) + b" " + shown
        self._at_line_start = complete or not content
        return self._limited(shown)

    def _count_line(self) -> None:
        if self._lines_left is not None:
            self._lines_left -= 1
            self.exhausted = self.exhausted or self._lines_left <= 0

    def _too_old(self, moment: bytes) -> bool:
        if not self._since:
            return False
        if moment.endswith(b"Z") and len(moment) > 20:
            return fixed_width(moment) < self._since  # UTC at one width compares as text
        try:
            return parse_rfc3339(moment.decode("ascii")) < self._options.since
        except ValueError:
            return True

    def _limited(self, shown: bytes) -> bytes:
        if self._remaining is None:
            return shown
        shown = shown[: self._remaining]
        self._remaining -= len(shown)
        self.exhausted = self.exhausted or self._remaining <= 0
        return shown


@lru_cache(maxsize=64)
def fixed_width(moment: bytes) -> bytes:
    """A timestamp with exactly nine decimals, so that the lines below each other align."""
    head, zone = (moment[:-1], moment[-1:]) if moment.endswith(b"Z") else (moment[:-6], moment[-6:])
    seconds, _, decimals = head.partition(b".")
    return seconds + b"." + decimals.ljust(9, b"0")[:9] + zone


def _since_text(since: float) -> bytes:
    if not since:
        return b""
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{moment}000Z".encode()


def tail_start(data_from_end: bytes, lines: int) -> int | None:
    """Where the last `lines` lines begin in the end of a file; None when more of the file is needed to say."""
    if lines == 0:
        return len(data_from_end)
    position = len(data_from_end)
    if data_from_end.endswith(b"\n"):
        position -= 1
    for _ in range(lines):
        position = data_from_end.rfind(b"\n", 0, position)
        if position < 0:
            return None
    return position + 1
