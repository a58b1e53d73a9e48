"""How an action ended."""

from __future__ import annotations

from dataclasses import dataclass

MAX_OUTPUT = 10 * 1024
"""As much of a command's output, or of a page, as the kubelet keeps."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`output` is what a failing probe's event shows."""

    success: bool
    output: str = ""
    answered: bool = False
    """A failure all the same in which the other side answered: enough for a hook."""


class ActionError(Exception):
    """The action could not be carried out, which says nothing about the container's health."""


def seconds_text(seconds: float) -> str:
    """`1s`, `2.5s`."""
    return f"{seconds:g}s"
