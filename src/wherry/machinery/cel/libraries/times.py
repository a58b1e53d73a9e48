"""Timestamps and durations: reading, printing, and their parts in any time zone.

Source: the CEL specification, "Timestamps and durations"; Go's `time.ParseDuration`, `Duration.String`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any

from wherry.machinery.cel.functions import Library, Row, library
from wherry.machinery.cel.libraries.arithmetic import checked_duration, checked_int, checked_time
from wherry.machinery.cel.types import DURATION, INT, STRING, TIMESTAMP
from wherry.machinery.cel.values import MAX_INT, MIN_INT, NANO, Duration, EvaluationError, Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|z|[+-]\d\d:\d\d)", re.ASCII)
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": NANO, "m": 60 * NANO, "h": 3600 * NANO}
_PART = re.compile(r"(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_OFFSET = re.compile(r"([+-]?)(\d\d):(\d\d)", re.ASCII)


def parse_timestamp(text: str) -> Timestamp:
    """RFC 3339. Raises `EvaluationError`."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise EvaluationError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse "{text}"')
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise EvaluationError(f'parsing time "{text}": {str(error).split()[0]} out of range') from error
    nanos = int((match[7] or "0")[:9].ljust(9, "0"))
    return checked_time((_seconds(moment) - _shift(match[8])) * NANO + nanos)


def _shift(zone: str) -> int:
    if zone in "Zz":
        return 0
    seconds = int(zone[1:3]) * 3600 + int(zone[4:]) * 60
    return -seconds if zone[0] == "-" else seconds


def _seconds(moment: datetime) -> int:
    passed = moment - _EPOCH
    return passed.days * 86_400 + passed.seconds


def format_timestamp(value: Timestamp) -> str:
    seconds, nanos = divmod(value.nanos, NANO)
    moment = _EPOCH + timedelta(seconds=seconds)
    fraction = f".{nanos:09}".rstrip("0") if nanos else ""
    return f"{moment.year:04}{moment:-%m-%dT%H:%M:%S}{fraction}Z"


def parse_duration(text: str) -> Duration:
    """`1h30m`, `1.5s`, `-2ms`. Raises `EvaluationError`."""
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return Duration(0)
    total, position = 0, 0
    while position < len(rest):
        match = _PART.match(rest, position)
        if match is None or not (match[1] or match[2]) or len(match[1]) > 20:
            raise EvaluationError(f'time: invalid duration "{text}"')
        unit = _UNITS[match[3]]
        fraction = (match[2] or "")[:20]
        total += int(match[1] or 0) * unit + int(fraction or 0) * unit // 10 ** len(fraction)
        position = match.end()
    if not rest or not MIN_INT <= sign * total <= MAX_INT:
        raise EvaluationError(f'time: invalid duration "{text}"')
    return checked_duration(sign * total)


def format_duration(value: Duration) -> str:
    """Seconds with as many digits as are needed: `90s`, `0.5s`."""
    seconds, nanos = divmod(abs(value.nanos), NANO)
    fraction = f".{nanos:09}".rstrip("0") if nanos else ""
    return f"{'-' if value.nanos < 0 else ''}{seconds}{fraction}s"


@lru_cache(maxsize=256)
def _zone(name: str) -> tzinfo:
    if match := _OFFSET.fullmatch(name):
        shift = timedelta(hours=int(match[2]), minutes=int(match[3]))
        if shift >= timedelta(hours=24):
            raise EvaluationError(f"unknown time zone {name}")
        return timezone(-shift if match[1] == "-" else shift)
    if name in ("", "UTC"):
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise EvaluationError(f"unknown time zone {name}") from error


def _local(value: Timestamp, zone: str = "UTC") -> datetime:
    try:
        return (_EPOCH + timedelta(seconds=value.nanos // NANO)).astimezone(_zone(zone))
    except OverflowError as error:
        raise EvaluationError("timestamp overflow") from error


_PARTS: dict[str, tuple[str, Callable[[datetime], int]]] = {
    "getFullYear": ("year", lambda moment: moment.year),
    "getMonth": ("month", lambda moment: moment.month - 1),
    "getDayOfYear": ("day_of_year", lambda moment: moment.timetuple().tm_yday - 1),
    "getDayOfMonth": ("day_of_month", lambda moment: moment.day - 1),
    "getDate": ("day_of_month_1_based", lambda moment: moment.day),
    "getDayOfWeek": ("day_of_week", lambda moment: moment.isoweekday() % 7),
    "getHours": ("hours", lambda moment: moment.hour),
    "getMinutes": ("minutes", lambda moment: moment.minute),
    "getSeconds": ("seconds", lambda moment: moment.second),
}
_SHARES = {"getHours": 3600 * NANO, "getMinutes": 60 * NANO, "getSeconds": NANO, "getMilliseconds": 10**6}


def _part(pick: Callable[[datetime], int]) -> Callable[..., int]:
    return lambda value, zone="UTC": pick(_local(value, zone))


def _share(unit: int) -> Callable[[Duration], int]:
    return lambda value: checked_int(abs(value.nanos) // unit * (-1 if value.nanos < 0 else 1))


def _milliseconds(value: Timestamp, zone: str = "UTC") -> int:
    _local(value, zone)
    return value.nanos % NANO // 10**6


def _rows() -> list[Row]:
    rows: list[Row] = []
    parts: dict[str, tuple[str, Callable[..., Any]]] = {
        name: (id_, _part(pick)) for name, (id_, pick) in _PARTS.items()
    }
    parts["getMilliseconds"] = ("milliseconds", _milliseconds)
    for name, (id_, call) in parts.items():
        rows.append((name, f"timestamp_to_{id_}", (TIMESTAMP,), INT, call))
        rows.append((name, f"timestamp_to_{id_}_with_tz", (TIMESTAMP, STRING), INT, call))
    for name, unit in _SHARES.items():
        rows.append((name, f"duration_to_{name[3:].lower()}", (DURATION,), INT, _share(unit)))
    return rows


LIBRARY: Library = library(members=_rows())
