"""Spans of time as Go reads them: `1h15m30.5s`, `300ms`, `-1.5h`.

Source: package time of Go (`ParseDuration`).
"""

from __future__ import annotations

import json
import re

_SECONDS = {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]*)(\.[0-9]*)?([^0-9.]*)")
_MOST_SECONDS = (2**63 - 1) / 1e9


class DurationError(ValueError):
    """The text is no span of time; the message is Go's."""


def parse_duration(text: str) -> float:
    """Seconds. Raises `DurationError`."""
    sign, rest = (-1.0, text[1:]) if text[:1] == "-" else (1.0, text[text[:1] == "+" :])
    if rest == "0":
        return 0.0
    total = 0.0
    while True:
        match = _PART.match(rest)
        if match is None or not (match[1] or (match[2] or "")[1:]):
            raise DurationError(f"time: invalid duration {json.dumps(text)}")
        number, unit = f"{match[1] or 0}{match[2] or ''}", match[3]
        if not unit:
            raise DurationError(f"time: missing unit in duration {json.dumps(text)}")
        if unit not in _SECONDS:
            raise DurationError(f"time: unknown unit {json.dumps(unit)} in duration {json.dumps(text)}")
        total += float(number) * _SECONDS[unit]
        if total > _MOST_SECONDS:
            raise DurationError(f"time: invalid duration {json.dumps(text)}")
        rest = rest[match.end() :]
        if not rest:
            return sign * total
