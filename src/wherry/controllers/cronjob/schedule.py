"""Cron schedules: five fields, names of months and days, `@daily` and its like, `@every 1h30m`. Pure.

As in robfig/cron: where both day fields are restricted, either may match; 0 is Sunday. Times that a change of the clocks
skips are skipped; times that it repeats come twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_MONTHS = {
    n: i for i, n in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_DAYS = {n: i for i, n in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_FIELDS: tuple[tuple[str, int, int, Mapping[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_YEARS = 5
"""A schedule that never comes within so many years (30 February) has no next time."""


@dataclass(frozen=True, slots=True)
class Every:
    """A constant distance in whole seconds."""

    seconds: int

    def next(self, after: float) -> float | None:
        return int(after) + self.seconds


@dataclass(frozen=True, slots=True)
class Fields:
    """The five fields as sets, in a time zone."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    """One of the two day fields is a star: then both must match, else either."""
    zone: tzinfo

    def next(self, after: float) -> float | None:
        """The first time later than `after`, in seconds since 1970; None for never."""
        moment = datetime.fromtimestamp(int(after) // 60 * 60 + 60, UTC)
        limit = moment + timedelta(days=366 * _YEARS)
        while moment < limit:
            local = moment.astimezone(self.zone)
            if local.month not in self.months:
                moment = self._midnight(local, month=True)
            elif not self._day_matches(local):
                moment = self._midnight(local, month=False)
            elif local.hour not in self.hours:
                moment += timedelta(minutes=60 - local.minute)
            elif local.minute not in self.minutes:
                moment += timedelta(minutes=1)
            else:
                return moment.timestamp()
        return None

    def _midnight(self, local: datetime, *, month: bool) -> datetime:
        """The start of the next local day or month."""
        days = 32 - local.day if month else 1
        day = (local + timedelta(days=days)).replace(hour=0, minute=0)
        if month:
            day = day.replace(day=1)
        return day.astimezone(UTC)

    def _day_matches(self, local: datetime) -> bool:
        day, weekday = local.day in self.days, local.isoweekday() % 7 in self.weekdays
        return (day and weekday) if self.any_day else (day or weekday)


Schedule = Every | Fields


def parse(text: str, zone: tzinfo = UTC) -> Schedule:
    """Raises `ValueError` that says what is wrong."""
    if text.startswith("@every "):
        return Every(max(1, int(_duration(text.removeprefix("@every ").strip()))))
    text = _DESCRIPTORS.get(text, text)
    if text.startswith("@"):
        raise ValueError(f"unrecognized descriptor: {text}")
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise ValueError(f"expected exactly 5 fields, found {len(parts)}: {parts}")
    minutes, hours, days, months, weekdays = (_field(part, *field) for part, field in zip(parts, _FIELDS, strict=True))
    star = any(part.startswith(("*", "?")) for part in (parts[2], parts[4]))
    return Fields(minutes, hours, days, months, weekdays, any_day=star, zone=zone)


def _duration(text: str) -> float:
    found = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text)
    if not found or "".join(number + unit for number, unit in found) != text:
        raise ValueError(f"failed to parse duration {text!r}")
    return sum(float(number) * _UNITS[unit] for number, unit in found)


def _field(text: str, name: str, low: int, high: int, names: Mapping[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        found |= _range(part, name, low, high, names)
    return frozenset(found)


def _range(part: str, name: str, low: int, high: int, names: Mapping[str, int]) -> set[int]:
    span, slash, step_text = part.partition("/")
    step = _number(step_text, name, {}) if slash else 1
    if span in ("*", "?"):
        first, last = low, high
    else:
        start, dash, end = span.partition("-")
        first = _number(start, name, names)
        last = _number(end, name, names) if dash else (high if slash else first)
    if step <= 0:
        raise ValueError(f"step of range should be a positive number: {part}")
    if first < low or last > high or first > last:
        raise ValueError(f"{name} out of range ({low}-{high}): {part}")
    return set(range(first, last + 1, step))


def _number(text: str, name: str, names: Mapping[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not text.isdecimal():
        raise ValueError(f"failed to parse {name} from {text!r}")
    return int(text)
