"""What a pretended container does: a plain description that tests and simulations hand to the fake runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wherry.node.runtimes.port import Container


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecResult:
    """How a command in a pretended container ends. `start_error` makes it fail to start at all."""

    exit_code: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    echo: bool = False
    """Copy standard input to standard output until its end, then exit."""
    start_error: str = ""


def succeed(_: Sequence[str]) -> ExecResult:
    """Any command ends at once with 0 and says nothing."""
    return ExecResult()


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One container's life. Without more, it starts at once, runs for ever and ends at once on any signal."""

    create_error: str = ""
    start_error: str = ""
    """Text of the `StartFailed`; the container then shows exit code 128, as upstream's does."""
    start_seconds: float = 0.0
    exit_after_seconds: float | None = None
    exit_code: int = 0
    oom_killed: bool = False
    """The end after `exit_after_seconds` is told as a kill for lack of memory."""
    output: tuple[tuple[str, str], ...] = ()
    """Lines for the log at start, each with its stream: `("stdout", "hello")`."""
    ignores: frozenset[str] = frozenset()
    """Signals that do nothing, such as `SIGTERM` for a process that does not stop when asked."""
    exec: Callable[[Sequence[str]], ExecResult] = succeed
    cpu_cores: float = 0.001
    memory_bytes: int = 1 << 20


Behave = Callable[[Container], Behaviour]
"""Chooses the behaviour of a container from all that is known of it."""


def forever(_: Container) -> Behaviour:
    """Every container runs until it is stopped."""
    return Behaviour()
