"""One command at a time makes or removes clusters on a machine.

Which port, index and networks are free is seen before they are taken; two commands that look at the same moment would
take the same ones. The lock is on a directory that is always there, so nothing is left behind, and the kernel lets go of
it when its holder dies. Whoever does not get it in time goes on without: a hanging command must not stop the others.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.02

_held: list[int] = []


@contextmanager
def machine_turn() -> Iterator[None]:
    """Keep other commands from choosing and making networks for the length of the block."""
    run = Path("/run")
    descriptor = os.open(run if run.is_dir() else tempfile.gettempdir(), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    _held.append(descriptor)
    try:
        _wait(descriptor)
        yield
    finally:
        _held.remove(descriptor)
        # A forked process has a copy of the descriptor; closing ours alone would not let go.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def release_inherited() -> None:
    """In a forked process that lives longer than the command: close the copy, so that the lock ends with the command."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


def _wait(descriptor: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(_POLL_SECONDS)
