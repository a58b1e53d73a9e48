"""`--for`: what an object is waited to be like. Decisions only.

Source: kubectl's pkg/cmd/wait.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wherry.api.types import Object
from wherry.cli.errors import Refused
from wherry.machinery.jsonpath import JsonPath, JsonPathError, compile_template, relaxed, to_text


@dataclass(frozen=True, slots=True)
class Awaited:
    """`kind` is delete, create or object; only for object, `holds` tells whether an object is as wanted."""

    kind: str
    holds: Callable[[Object], bool] = bool


def awaited(text: str) -> Awaited:
    """Raises `Refused` for what cannot be waited for."""
    form, _, rest = text.partition("=")
    if form.lower() in ("delete", "create") and not rest:
        return Awaited(form.lower())
    if form == "condition" and rest:
        name, _, value = rest.partition("=")
        return Awaited("object", lambda obj: has_condition(obj, name, value or "true"))
    if form == "jsonpath" and rest:
        return _jsonpath(rest)
    raise Refused(f'unrecognized condition: "{text}"')


def has_condition(obj: Object, name: str, value: str) -> bool:
    """Whether a condition has the value; one that an older generation of the object got does not count."""
    status = obj.get("status") or {}
    generation = obj["metadata"].get("generation", 0)
    for condition in status.get("conditions") or ():
        if str(condition.get("type", "")).lower() != name.lower():
            continue
        observed = condition.get("observedGeneration", status.get("observedGeneration"))
        if observed is not None and observed < generation:
            return False
        return str(condition.get("status", "")).lower() == value.lower()
    return False


def _jsonpath(rest: str) -> Awaited:
    expression, equals, value = _split(rest)
    if equals and not value:
        raise Refused("jsonpath wait has to have a value: --for=jsonpath='{.status.phase}'=Running")
    try:
        path = compile_template(relaxed(expression))
    except JsonPathError as error:
        raise Refused(str(error)) from error
    return Awaited("object", lambda obj: _matches(path, obj, value if equals else None))


def _split(rest: str) -> tuple[str, str, str]:
    """The expression and the value behind the `=` after its closing brace; filters have `=` inside."""
    end = rest.rfind("}")
    if end < 0:
        return rest.partition("=")
    tail = rest[end + 1 :]
    return rest[: end + 1], tail[:1], tail[1:].strip("'\"")


def _matches(path: JsonPath, obj: Object, value: str | None) -> bool:
    try:
        found = path.values(obj)
    except JsonPathError:
        return False
    if value is None:
        return bool(found)
    if len(found) > 1:
        raise Refused("given jsonpath expression matches more than one value")
    return bool(found) and _text(found[0]) == value


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        raise Refused("jsonpath leads to a nested object or list which is not supported")
    return to_text(value)
