"""Times as Go reads and writes them: RFC 3339 with Go's error texts and its normal form.

Source: package time of Go (`Parse`, `ParseError`) and metav1 `Time` and `MicroTime`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

RFC3339: Final = "2006-01-02T15:04:05Z07:00"
RFC3339_MICRO: Final = "2006-01-02T15:04:05.000000Z07:00"

_STEPS: Final = (
    ("2006", re.compile(r"[0-9]{4}")), ("-", re.compile("-")), ("01", re.compile(r"[0-9]{2}")),
    ("-", re.compile("-")), ("02", re.compile(r"[0-9]{2}")), ("T", re.compile("T")), ("15", re.compile(r"[0-9]{2}")),
    (":", re.compile(":")), ("04", re.compile(r"[0-9]{2}")), (":", re.compile(":")), ("05", re.compile(r"[0-9]{2}")),
)  # fmt: skip
_FRACTION = re.compile(r"[.,][0-9]+")
_MICROS = re.compile(r"\.[0-9]{6}")
_ZONE = re.compile(r"Z|[+-][0-9]{2}:[0-9]{2}")
_LIMITS = (("month", 1, 12), ("hour", 0, 23), ("minute", 0, 59), ("second", 0, 59))


class TimeError(ValueError):
    """The text is no such time; the message is Go's `parsing time "..." as "...": ...`."""


@lru_cache(maxsize=4096)
def normal_time(text: str) -> str:
    """`metav1.Time`: UTC, whole seconds. Raises `TimeError`."""
    return _parse(text, RFC3339).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=4096)
def normal_micro_time(text: str) -> str:
    """`metav1.MicroTime`: UTC, six digits of a second. Raises `TimeError`."""
    return _parse(text, RFC3339_MICRO).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _parse(text: str, layout: str) -> datetime:
    """Walk the layout, so that a mistake is named where Go names it."""
    numbers, rest = [], text
    for element, pattern in _STEPS:
        match = pattern.match(rest)
        if match is None:
            raise TimeError(f'{_subject(text, layout)}: cannot parse "{rest}" as "{element}"')
        numbers += [int(match[0])] if match[0].isdigit() else []
        rest = rest[match.end() :]
    micros = 0
    if layout == RFC3339_MICRO and not _MICROS.match(rest):
        raise TimeError(f'{_subject(text, layout)}: cannot parse "{rest}" as ".000000"')
    if match := _FRACTION.match(rest):
        micros = int(match[0][1:7].ljust(6, "0"))
        rest = rest[match.end() :]
    zone = _ZONE.match(rest)
    if zone is None:
        raise TimeError(f'{_subject(text, layout)}: cannot parse "{rest}" as "Z07:00"')
    if rest[zone.end() :]:
        raise TimeError(f'parsing time "{text}": extra text: "{rest[zone.end() :]}"')
    return _moment(text, numbers, micros, zone[0])


def _moment(text: str, numbers: list[int], micros: int, zone: str) -> datetime:
    year, month, day, hour, minute, second = numbers
    for (name, low, high), value in zip(_LIMITS, (month, hour, minute, second), strict=True):
        if not low <= value <= high:
            raise TimeError(f'parsing time "{text}": {name} out of range')
    offset = "+00:00" if zone == "Z" else zone
    try:
        parsed = datetime.fromisoformat(
            f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}{offset}"
        )
        return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise TimeError(f'parsing time "{text}": day out of range') from None


def _subject(text: str, layout: str) -> str:
    return f'parsing time "{text}" as "{layout}"'
