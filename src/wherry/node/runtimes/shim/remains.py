"""After the container's own process: what it left behind, and whether the kernel killed for lack of memory."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import os
import time

_PATIENCE_SECONDS = 10.0


def kill_remains(pid: int) -> None:
    """Kill every process that descends from us, and the process group of `pid`; wait until they are gone.

    As sub-reaper we become the parent of each orphan, so this ends when no child is left. Where there are no
    sub-reapers (macOS) it reaches the process group only.
    """
    if pid > 0:
        _kill(-pid)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for child in _children():
            _kill(child)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def _children() -> list[int]:
    own = os.getpid()
    try:
        with open(f"/proc/{own}/task/{own}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def oom_kills(counters: list[tuple[str, str]]) -> int:
    """The sum of the counters, each a key in a file of `key value` lines; files that are gone count nothing."""
    total = 0
    for path, key in counters:
        try:
            with open(path) as file:
                total += sum(int(line.split()[1]) for line in file if line.split()[:1] == [key])
        except OSError:
            continue
    return total
