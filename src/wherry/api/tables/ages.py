"""Ages as kubectl shows them: `45s`, `2m10s`, `5d3h`, `2y`.

Source: k8s.io/apimachinery/pkg/util/duration `HumanDuration`.
"""

from __future__ import annotations

from wherry.base.times import parse_rfc3339

UNKNOWN = "<unknown>"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_YEAR = 365 * _DAY


def human(seconds: float) -> str:
    """A duration, with as many digits as a person needs."""
    total = int(seconds)
    if total < -1:
        return "<invalid>"
    if total < 2 * _MINUTE:
        return f"{max(total, 0)}s"
    if total < 10 * _MINUTE:
        return _two(total, _MINUTE, "m", 1, "s")
    if total < 3 * _HOUR:
        return f"{total // _MINUTE}m"
    if total < 8 * _HOUR:
        return _two(total, _HOUR, "h", _MINUTE, "m")
    if total < 2 * _DAY:
        return f"{total // _HOUR}h"
    if total < 8 * _DAY:
        return _two(total, _DAY, "d", _HOUR, "h")
    if total < 2 * _YEAR:
        return f"{total // _DAY}d"
    if total < 8 * _YEAR:
        return _two(total, _YEAR, "y", _DAY, "d")
    return f"{total // _YEAR}y"


def _two(total: int, large: int, large_name: str, small: int, small_name: str) -> str:
    rest = total % large // small
    return f"{total // large}{large_name}{rest}{small_name}" if rest else f"{total // large}{large_name}"


def since(timestamp: str | None, now: float) -> str:
    """The age of a moment; `<unknown>` without one."""
    if not timestamp:
        return UNKNOWN
    try:
        return human(now - parse_rfc3339(timestamp))
    except ValueError:
        return UNKNOWN


def between(start: str | None, end: str | None) -> str:
    """From one moment to another; empty when one of them is missing."""
    if not start or not end:
        return ""
    return human(parse_rfc3339(end) - parse_rfc3339(start))
