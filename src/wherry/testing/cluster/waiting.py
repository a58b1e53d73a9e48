"""Waiting until an object is as a test wants it, on whatever clock the cluster has.

On a stopped clock, waiting is what moves it: from one deadline to the next, so that an hour's wait is over in no time. While
programs outside are connected it moves no faster than the machine's, because they live by that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.machinery.jsonpath import compile_template, relaxed, to_text
from wherry.testing.cluster.objects import Objects
from wherry.testing.cluster.plane import Plane

Condition = str | Callable[[Object], Any]
"""`exists`, `deleted`, a condition that shall be True (`Available`) or another (`Ready=False`), a JSONPath with its value
(`{.status.phase}=Running`), or a function of the object."""


class NotInTime(AssertionError):
    """What was waited for did not happen; the message tells what was seen last."""


async def wait_for(
    plane: Plane, objects: Objects, what: str, condition: Condition, *, namespace: str | None, timeout: float
) -> Object | None:
    """The object as soon as it is so; None once it is gone. `timeout` is in the cluster's time. Raises `NotInTime`."""
    wanted = holds(condition)
    resource, name, namespace = objects.target(what, "", namespace)
    deadline = plane.clock.monotonic() + timeout
    while True:
        try:
            seen: Object | None = await plane.client.get(resource, name, namespace=namespace)
        except NotFound:
            seen = None
        if wanted(seen):
            return seen
        left = deadline - plane.clock.monotonic()
        if left <= 0:
            raise NotInTime(f"{what}: not {_words(condition)} after {timeout:g} s; {_told(seen)}")
        await plane.let_pass(left)


def holds(condition: Condition) -> Callable[[Object | None], bool]:
    """The condition as a function; an object that is not there is None."""
    if callable(condition):
        return lambda seen: seen is not None and bool(condition(seen))
    if condition == "exists":
        return lambda seen: seen is not None
    if condition == "deleted":
        return lambda seen: seen is None
    if condition.startswith("{"):
        path, _, value = condition.rpartition("}=")
        template = compile_template(relaxed(path + "}" if path else condition))
        return lambda seen: seen is not None and _matches(template.values(seen), value if path else None)
    type_, _, status = condition.partition("=")
    return lambda seen: seen is not None and _has(seen, type_, status or "True")


def _matches(found: list[Any], value: str | None) -> bool:
    return bool(found) if value is None else any(to_text(each) == value for each in found)


def _has(obj: Object, type_: str, value: str) -> bool:
    """One that an older generation of the object got does not count."""
    status = obj.get("status") or {}
    generation = obj["metadata"].get("generation", 0)
    for each in status.get("conditions") or ():
        if str(each.get("type", "")).lower() == type_.lower():
            observed = each.get("observedGeneration", status.get("observedGeneration", generation))
            return bool(observed >= generation) and str(each.get("status", "")).lower() == value.lower()
    return False


def _words(condition: Condition) -> str:
    return condition if isinstance(condition, str) else getattr(condition, "__name__", "as wanted")


def _told(seen: Object | None) -> str:
    if seen is None:
        return "it is not there"
    return f"its status is {seen['status']}" if seen.get("status") else "it has no status"
