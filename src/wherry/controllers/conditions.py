"""Status conditions: find, set, remove. Pure; lists are copied, never changed."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.types import Object


def find(conditions: Sequence[Object] | None, type: str) -> Object | None:
    for condition in conditions or ():
        if condition.get("type") == type:
            return condition
    return None


def is_true(conditions: Sequence[Object] | None, type: str) -> bool:
    found = find(conditions, type)
    return found is not None and found.get("status") == "True"


def without(conditions: Sequence[Object] | None, type: str) -> list[Object]:
    return [condition for condition in conditions or () if condition.get("type") != type]


def make(type: str, status: bool | str, reason: str, message: str, *, now: str, **more: str) -> Object:
    """A condition that changed now; `more` takes other timestamps."""
    value = status if isinstance(status, str) else ("True" if status else "False")
    condition: Object = {"type": type, "status": value}
    condition |= {name: text for name, text in more.items() if text}
    condition["lastTransitionTime"] = now
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    return condition


def with_condition(conditions: Sequence[Object] | None, new: Object) -> list[Object]:
    """The list with `new` in it, put last, as upstream's workload controllers do.

    Unchanged where status and reason are the same already; the transition time stays where the status did.
    """
    current = find(conditions, new["type"])
    if current is not None and current.get("status") == new["status"] and current.get("reason") == new.get("reason"):
        return list(conditions or ())
    if current is not None and current.get("status") == new["status"] and "lastTransitionTime" in current:
        new = {**new, "lastTransitionTime": current["lastTransitionTime"]}
    return [*without(conditions, new["type"]), new]
