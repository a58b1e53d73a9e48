"""Values as words: times, ages, switches, lists as Go prints them, label selectors."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from wherry.api.label_selector import shown as shown_selector
from wherry.api.tables.ages import UNKNOWN, since
from wherry.base.times import parse_rfc3339

NONE = "<none>"
UNSET = "<unset>"


def moment(timestamp: str | None) -> str:
    """`Mon, 02 Jan 2006 15:04:05 +0000`, in the machine's own time zone."""
    if not timestamp:
        return "Mon, 01 Jan 0001 00:00:00 +0000"
    return time.strftime("%a, %d %b %Y %H:%M:%S %z", time.localtime(parse_rfc3339(timestamp)))


def age(timestamp: str | None, now: float) -> str:
    return since(timestamp, now) if timestamp else UNKNOWN


def truth(value: Any) -> str:
    """`True` or `False`."""
    return "True" if value else "False"


def go(value: Any) -> str:
    """A switch as Go's `%v` has it."""
    return "true" if value else "false"


def go_list(values: Iterable[Any] | None) -> str:
    """`[a b]`."""
    return "[" + " ".join(str(value) for value in values or ()) + "]"


def or_none(text: str | None) -> str:
    return text or NONE


def or_unset(value: Any) -> str:
    return UNSET if value is None else str(value)


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A `metav1.LabelSelector`."""
    return shown_selector(selector)


def labels_text(labels: Mapping[str, str] | None) -> str:
    """`a=b,c=d`, or `<none>`."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def label_lines(labels: Mapping[str, str] | None) -> list[str]:
    return [f"{key}={value}" for key, value in sorted((labels or {}).items())]


def controller_of(obj: Mapping[str, Any]) -> str:
    """`ReplicaSet/web-5f`, or nothing."""
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return f"{owner['kind']}/{owner['name']}"
    return ""


ACCESS_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def access_modes(modes: Iterable[str] | None) -> str:
    """`RWO,RWX`, in this order."""
    given = set(modes or ())
    return ",".join(short for long, short in ACCESS_MODES.items() if long in given)
