"""What a plugin answers when it says no; None means yes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Code(Enum):
    """How final a no is."""

    UNSCHEDULABLE = "Unschedulable"
    """Not now; removing pods from the node might help."""
    UNRESOLVABLE = "UnschedulableAndUnresolvable"
    """Removing pods from the node cannot help."""


@dataclass(frozen=True, slots=True)
class Status:
    """A rejection by one plugin. Each reason is counted over all nodes in the message that people read."""

    plugin: str
    code: Code
    reasons: tuple[str, ...]

    @property
    def message(self) -> str:
        return ", ".join(self.reasons)


def unschedulable(plugin: str, *reasons: str) -> Status:
    return Status(plugin, Code.UNSCHEDULABLE, reasons)


def unresolvable(plugin: str, *reasons: str) -> Status:
    return Status(plugin, Code.UNRESOLVABLE, reasons)
