"""Finding the processes of a container whose shim was killed: each carries a mark in its environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

MARK = "WHERRY_CONTAINER_ID"
_PATIENCE_SECONDS = 5.0


def kill_marked(container_id: str) -> None:
    """Kill every process that carries the container's mark, until none is left."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = list(_marked(container_id))
        if not found:
            return
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        time.sleep(0.01)


def _marked(container_id: str) -> Iterator[int]:
    mark = f"{MARK}={container_id}"
    return _marked_linux(mark.encode()) if sys.platform == "linux" else _marked_elsewhere(mark)


def _marked_linux(mark: bytes) -> Iterator[int]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if mark in file.read().split(b"\0"):
                        yield int(name)
            except OSError:
                continue


def _marked_elsewhere(mark: str) -> Iterator[int]:
    """BSD's and macOS's `ps` show the environment of one's own processes."""
    listing = subprocess.run(["ps", "-axEww", "-o", "pid=,command="], capture_output=True, text=True, check=False)
    for line in listing.stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        if mark in command.split():
            yield int(pid)
