"""Places where a test can make the program die, fail or wait.

`reach("store.commit.before-fsync")` costs one attribute test when nothing is armed. A test arms points in its own
process with `arm`, and in a child process through the environment: `WHERRY_FAILPOINTS="a.b=exit;c.d=error;e.f=sleep:2"`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ENVIRONMENT = "WHERRY_FAILPOINTS"
EXIT_STATUS = 86

_armed: dict[str, Callable[[], None]] | None = None


class FailpointError(Exception):
    """Raised where a failpoint was armed with `error`."""


def reach(name: str) -> None:
    """Mark that execution came to this point."""
    if _armed is not None and (action := _armed.get(name)) is not None:
        action()


def _action(name: str, what: str) -> Callable[[], None]:
    verb, _, argument = what.partition(":")
    if verb == "exit":
        return lambda: os._exit(EXIT_STATUS)
    if verb == "sleep":
        return lambda: time.sleep(float(argument))
    if verb == "error":

        def fail() -> None:
            raise FailpointError(argument or name)

        return fail
    raise ValueError(f"failpoint {name}: unknown action {what!r}; use exit, error[:text] or sleep:seconds")


def load(text: str) -> None:
    """Arm what an environment variable's text asks for; an empty text arms nothing."""
    global _armed
    points = dict(part.split("=", 1) for part in text.split(";") if part)
    _armed = {name: _action(name, what) for name, what in points.items()} or None


@contextmanager
def arm(name: str, action: Callable[[], None] | str) -> Iterator[None]:
    """Arm one point for the length of a `with` block."""
    global _armed
    before = _armed
    _armed = {**(before or {}), name: _action(name, action) if isinstance(action, str) else action}
    try:
        yield
    finally:
        _armed = before


load(os.environ.get(ENVIRONMENT, ""))
