"""How a wrong object is reported: where in it, and in which words.

The words are those of Go's JSON decoder, since that is what kube-apiserver passes on: a wrong type is named by the Go
struct and type, an unknown field by its path. Source: sigs.k8s.io/json.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_MOST_PROBLEMS = 100
"""Upstream reports no more of them for one object."""

_KINDS: dict[type, str] = {str: "string", int: "number", float: "number", bool: "bool", dict: "object", list: "array"}


class DecodeError(ValueError):
    """The object cannot be read as its kind at all; the message is upstream's."""


@dataclass(slots=True)
class Report:
    """Unknown fields, in the order in which they were met, each named once."""

    problems: list[str] = field(default_factory=list)

    def add(self, problem: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS and problem not in self.problems:
            self.problems.append(problem)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an object: the Go struct that holds it, the field's path in Go's words, and the path with indices."""

    report: Report
    struct: str = ""
    field: str = ""
    path: str = ""

    def at_field(self, struct: str, name: str) -> Place:
        return Place(self.report, struct, _join(self.field, name), _join(self.path, name))

    def at_index(self, index: int) -> Place:
        return Place(self.report, self.struct, self.field, f"{self.path}[{index}]")

    def at_key(self, key: str) -> Place:
        return Place(self.report, self.struct, self.field, _join(self.path, key))

    def unknown(self, name: str) -> None:
        """Note a field that the kind does not have."""
        self.report.add(f'unknown field "{_join(self.path, name)}"')

    def mismatch(self, value: Any, go_type: str, *, literal: bool = False) -> DecodeError:
        """The error for a value of the wrong type; `literal` also shows the number, as Go does for integers."""
        what = _KINDS.get(type(value), "value")
        if literal and what == "number":
            what = f"number {value}"
        holder = f"struct field {self.struct}.{self.field}" if self.field else "value"
        return DecodeError(f"json: cannot unmarshal {what} into Go {holder} of type {go_type}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
