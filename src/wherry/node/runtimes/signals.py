"""Signal names and numbers, as images and pods write them (`SIGTERM`, `term`, `15`, `SIGRTMIN+3`)."""

from __future__ import annotations

import signal

_REAL_TIME_FIRST, _REAL_TIME_LAST = 34, 64


def signal_number(text: str) -> int:
    """The number. Raises `ValueError` for what is no signal here."""
    name = text.strip().upper()
    if name.isdigit():
        return _checked(int(name), text)
    name = name.removeprefix("SIG")
    for base, number, sign in (("RTMIN+", _REAL_TIME_FIRST, 1), ("RTMAX-", _REAL_TIME_LAST, -1)):
        if name.startswith(base) and name[len(base) :].isdigit():
            return _checked(number + sign * int(name[len(base) :]), text)
    if name in ("RTMIN", "RTMAX"):
        return _REAL_TIME_FIRST if name == "RTMIN" else _REAL_TIME_LAST
    try:
        return signal.Signals[f"SIG{name}"].value
    except KeyError:
        raise ValueError(f"unknown signal {text!r}") from None


def _checked(number: int, text: str) -> int:
    if not 0 < number <= _REAL_TIME_LAST:
        raise ValueError(f"unknown signal {text!r}")
    return number


def end_reason(exit_code: int, *, oom_killed: bool) -> str:
    """The reason that CRI runtimes give for an end."""
    if oom_killed:
        return "OOMKilled"
    return "Error" if exit_code else "Completed"
