"""The processes of a cluster, their memory and age, as /proc tells; nothing on systems without it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")
_SHIM = "wherry-shim"


def tree(root: int) -> list[int]:
    """A process and all below it."""
    children: dict[int, list[int]] = {}
    for pid in _every():
        if (fields := _stat(pid)) is not None:
            children.setdefault(int(fields[1]), []).append(pid)
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, ())
    return found


def shims(state: Path) -> list[int]:
    """The processes that keep a cluster's containers while its nodes come and go."""
    below = str(state.resolve()) + os.sep
    return [pid for pid in _every() if _is_shim(pid) and _directory(pid).startswith(below)]


def memory_bytes(pids: Iterable[int]) -> int:
    """Proportional set size: shared pages are divided among those who share them."""
    return sum(map(_pss, pids))


def age_seconds(pid: int) -> float:
    """How long a process has run; 0 where nobody knows."""
    fields = _stat(pid)
    if fields is None:
        return 0.0
    uptime = float((_PROC / "uptime").read_text().split()[0])
    return max(0.0, uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK"))


def _every() -> list[int]:
    return [int(name) for name in os.listdir(_PROC) if name.isdecimal()] if _PROC.is_dir() else []


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat behind the name: state, parent, ..."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _is_shim(pid: int) -> bool:
    try:
        return (_PROC / str(pid) / "comm").read_text().strip() == _SHIM
    except OSError:
        return False


def _directory(pid: int) -> str:
    try:
        return os.readlink(_PROC / str(pid) / "cwd")
    except OSError:
        return ""


def _pss(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
