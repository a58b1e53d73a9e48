"""What a check looks at, what it answers, and how answers are worded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wherry.api.types import Object


@dataclass(frozen=True, slots=True)
class Subject:
    """A pod, or the template of one."""

    annotations: Mapping[str, str]
    spec: Object
    security: Mapping[str, Any]
    """The pod's own security context."""
    containers: Sequence[tuple[str, Object, Mapping[str, Any]]]
    """Name, container and its security context: init containers, containers, ephemeral containers."""

    @property
    def windows(self) -> bool:
        return (self.spec.get("os") or {}).get("name") == "windows"

    @property
    def own_users(self) -> bool:
        """In a user namespace of its own, where root is nobody outside (KEP-127)."""
        return self.spec.get("hostUsers") is False


def subject_of(metadata: Object, spec: Object) -> Subject:
    containers = [
        (str(each.get("name") or ""), each, each.get("securityContext") or {})
        for field in ("initContainers", "containers", "ephemeralContainers")
        for each in spec.get(field) or ()
    ]
    return Subject(metadata.get("annotations") or {}, spec, spec.get("securityContext") or {}, containers)


@dataclass(frozen=True, slots=True)
class Violation:
    """Why a pod is not allowed, in short and with what is to be changed."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})"


Judge = Callable[[Subject], Violation | None]


def quoted(items: Iterable[str]) -> str:
    return ", ".join(f'"{item}"' for item in items)


def plural(count: int, one: str, many: str = "") -> str:
    return one if count == 1 else many or one + "s"


def named(kind: str, names: Sequence[str]) -> str:
    """`container "a"`, `containers "a", "b"`."""
    return f"{plural(len(names), kind)} {quoted(names)}"


def setters(pod: bool, containers: Sequence[str]) -> str:
    """Who set something: `pod and container "a"`; empty where nobody did."""
    return " and ".join([*(["pod"] if pod else []), *([named("container", containers)] if containers else [])])
