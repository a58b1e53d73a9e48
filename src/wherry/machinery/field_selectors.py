"""Field selectors: `spec.nodeName=n1,status.phase!=Running`.

Source: k8s.io/apimachinery/pkg/fields. Which fields a resource offers is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from wherry.machinery.selector_grammar import SelectorError

_PART = re.compile(r"((?:[^\\,]|\\.)*\\?)(?:,|$)", re.DOTALL)
_TERM = re.compile(r"((?:[^\\=!]|\\.|!(?!=))*)(!=|==|=)(.*)", re.DOTALL)
_BAD_ESCAPE = re.compile(r"\\([^\\,=]|$)")


@dataclass(frozen=True, slots=True)
class FieldTerm:
    field: str
    equal: bool
    value: str

    def __str__(self) -> str:
        escaped = re.sub(r"[\\,=]", lambda match: f"\\{match[0]}", self.value)
        return f"{self.field}{'=' if self.equal else '!='}{escaped}"


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Terms that all must hold; none selects everything."""

    terms: tuple[FieldTerm, ...] = ()

    @property
    def everything(self) -> bool:
        return not self.terms

    def exact(self, field: str) -> str | None:
        """The one value that the field must have, if the selector says so."""
        return next((term.value for term in self.terms if term.field == field and term.equal), None)

    def matches(self, obj: Mapping[str, Any], value_of: Callable[[Mapping[str, Any], str], str] | None = None) -> bool:
        """Whether the object is selected; `value_of` reads a field, by default along its path."""
        read = value_of or field_value
        return all((read(obj, term.field) == term.value) is term.equal for term in self.terms)

    def __str__(self) -> str:
        return ",".join(map(str, self.terms))


@lru_cache(maxsize=1024)
def parse_fields(text: str) -> FieldSelector:
    """Raises `SelectorError` in upstream's words."""
    parts = sorted(match[1] for match in _PART.finditer(text) if match[1])
    return FieldSelector(tuple(_term(part, text) for part in parts))


def field_value(obj: Mapping[str, Any], path: str) -> str:
    """A field as text, along `spec.nodeName`; empty where there is nothing."""
    value: Any = obj
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _term(part: str, text: str) -> FieldTerm:
    match = _TERM.fullmatch(part)
    if match is None:
        raise SelectorError(f"invalid selector: '{text}'; can't understand '{part}'")
    return FieldTerm(match[1], match[2] != "!=", _unescaped(match[3]))


def _unescaped(value: str) -> str:
    """Raises `SelectorError` for an escape that is none, or for `=` without one."""
    if bad := _BAD_ESCAPE.search(re.sub(r"\\[\\,=]", "", value)):
        raise SelectorError(f"invalid field selector: invalid escape sequence: {bad[0]}")
    if unescaped := re.search(r"[,=]", re.sub(r"\\[\\,=]", "", value)):
        raise SelectorError(f"invalid field selector: unescaped character in value: {ord(unescaped[0])}")
    return re.sub(r"\\([\\,=])", r"\1", value)
