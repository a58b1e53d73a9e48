"""Is this a schedule? The five fields of cron, the names for months and days, and `@every` with its kin.

Only the syntax is judged here, in the words of the parser that upstream uses (robfig/cron v3, `ParseStandard`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from wherry.machinery.integers import digits_value

_MONTHS = {
    name: i
    for i, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_DAYS = {name: i for i, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_NOBODY: Mapping[str, int] = {}
_FIELDS: tuple[tuple[int, int, Mapping[str, int]], ...] = (
    (0, 59, _NOBODY),
    (0, 23, _NOBODY),
    (1, 31, _NOBODY),
    (1, 12, _MONTHS),
    (0, 6, _DAYS),
)
_DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_DURATION = re.compile(r"([0-9]+(\.[0-9]*)?(h|m|s|ms|us|µs|ns))+")


def problem(schedule: str) -> str:
    """What is wrong with a schedule; empty when nothing is."""
    if not schedule:
        return "empty spec string"
    if schedule.startswith(("TZ=", "CRON_TZ=")):
        schedule = schedule.partition(" ")[2].strip()
    if schedule.startswith("@"):
        return _descriptor(schedule)
    fields = schedule.split()
    if len(fields) != len(_FIELDS):
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    for field, bounds in zip(fields, _FIELDS, strict=True):
        for part in field.split(","):
            if part and (wrong := _range(part, *bounds)):
                return wrong
    return ""


def _descriptor(text: str) -> str:
    if text in _DESCRIPTORS:
        return ""
    if text.startswith("@every "):
        duration = text.removeprefix("@every ")
        if _DURATION.fullmatch(duration.lstrip("+-")):
            return ""
        return f'failed to parse duration {text}: time: invalid duration "{duration}"'
    return f"unrecognized descriptor: {text}"


def _range(text: str, low: int, high: int, known: Mapping[str, int]) -> str:
    """One `start-end/step`."""
    span, *steps = text.split("/")
    ends = span.split("-")
    if len(ends) > 2:
        return f"too many hyphens: {text}"
    if len(steps) > 1:
        return f"too many slashes: {text}"
    step, wrong = _number(steps[0], _NOBODY) if steps else (1, "")
    if wrong:
        return wrong
    start, end = low, high
    if ends[0] not in ("*", "?"):
        start, wrong = _number(ends[0], known)
        if wrong:
            return wrong
        end, wrong = _number(ends[1], known) if len(ends) == 2 else (high if steps else start, "")
        if wrong:
            return wrong
    return _bounds(text, start, end, step, low, high)


def _bounds(text: str, start: int, end: int, step: int, low: int, high: int) -> str:
    if start < low:
        return f"beginning of range ({start}) below minimum ({low}): {text}"
    if end > high:
        return f"end of range ({end}) above maximum ({high}): {text}"
    if start > end:
        return f"beginning of range ({start}) beyond end of range ({end}): {text}"
    return f"step of range should be a positive number: {text}" if step == 0 else ""


def _number(text: str, known: Mapping[str, int]) -> tuple[int, str]:
    if text.lower() in known:
        return known[text.lower()], ""
    if (value := digits_value(text.removeprefix("+"))) is not None:
        return value, ""
    if text.startswith("-") and text[1:].isdigit():
        return 0, f"negative number ({text}) not allowed: {text}"
    return 0, f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax'
