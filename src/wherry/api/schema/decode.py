"""Is this JSON an object of its kind? What is not of the kind is dropped or refused, as the caller asks.

`decode` is what the API server calls for every body; `decoder(...).clean(obj)` is the walk alone, for objects that
arise inside (a patched object, say).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import cache

from wherry.api.errors import BadRequest
from wherry.api.schema import definitions
from wherry.api.schema.duplicates import duplicate_fields
from wherry.api.schema.nodes import Node, named
from wherry.api.schema.problems import DecodeError, Place, Report
from wherry.api.types import Object


class FieldValidation(StrEnum):
    """The query parameter `fieldValidation`: what happens with unknown and duplicate fields (KEP-2885)."""

    IGNORE = "Ignore"
    WARN = "Warn"
    STRICT = "Strict"


class Decoder:
    """The compiled check of one kind."""

    __slots__ = ("_fix", "_ok", "definition")

    def __init__(self, definition: str) -> None:
        node: Node = named(definition)
        self.definition = definition
        self._ok = node.ok
        self._fix = node.fix

    def clean(self, obj: Object) -> list[str]:
        """Prune and normalise in place.

        Gives what was dropped, as `unknown field "spec.foo"`. Raises `DecodeError` for a value of the wrong type.
        """
        report = Report()
        try:
            if not self._ok(obj):
                self._fix(obj, Place(report))
        except RecursionError:
            raise DecodeError("exceeded max depth") from None
        return report.problems


@cache
def decoder(api_version: str, kind: str) -> Decoder | None:
    """The decoder of a built-in kind; None for any other."""
    name = definitions.name_of(api_version, kind)
    return Decoder(name) if name else None


def decode(
    check: Decoder,
    obj: Object,
    *,
    raw: bytes | None,
    field_validation: str = FieldValidation.WARN,
    kind: str = "",
    into: str = "",
    text_problems: Sequence[str] = (),
) -> list[str]:
    """Check a body that was just parsed from `raw`, in place; gives the warnings to send.

    `kind` is the kind that the body names and `into` the kind that the resource has; both default to what the body
    says. Raises `BadRequest` in upstream's words for wrong types, and under Strict also for unknown or duplicate
    fields. Without `raw` duplicates are not looked for; `text_problems` are those that somebody found already.
    """
    twice: list[str] = []
    if raw is not None and field_validation != FieldValidation.IGNORE:
        twice = duplicate_fields(raw, obj)
    said, version = kind or obj.get("kind", ""), str(obj.get("apiVersion", "")).rpartition("/")[2]
    try:
        problems = [*text_problems, *check.clean(obj), *twice]
    except DecodeError as wrong:
        raise bad_request(said, version, into or said, str(wrong)) from wrong
    if not problems or field_validation == FieldValidation.IGNORE:
        return []
    if field_validation == FieldValidation.STRICT:
        raise bad_request(said, version, into or said, f"strict decoding error: {', '.join(problems)}")
    return warnings(problems)


def warnings(problems: Sequence[str]) -> list[str]:
    """One text each; what the reader of YAML found is one problem with many lines."""
    head, found = "yaml: unmarshal errors:\n", list[str]()
    for problem in problems:
        found += map(str.strip, problem[len(head) :].split("\n")) if problem.startswith(head) else [problem]
    return found


def bad_request(kind: str, version: str, into: str, why: str) -> BadRequest:
    """`Deployment in version "v1" cannot be handled as a Deployment: why`."""
    return BadRequest(f'{kind} in version "{version}" cannot be handled as a {into}: {why}')
