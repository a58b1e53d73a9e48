"""What a plain process and its descendants use, from /proc. Elsewhere than on Linux it cannot be told."""

from __future__ import annotations

import os

from wherry.node.runtimes.port import Usage


def process_usage(pid: int) -> Usage | None:
    """Sums over the tree of processes below `pid`; CPU of children that were waited for is included."""
    try:
        tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGESIZE")
        pids = [pid, *_descendants(pid)]
        stats = [fields for one in pids if (fields := _stat(one)) is not None]
    except OSError:
        return None
    if not stats:
        return None
    ticks = sum(sum(int(fields[index]) for index in range(11, 15)) for fields in stats)
    memory = sum(int(fields[21]) for fields in stats) * page
    return Usage(cpu_seconds=ticks / tick, memory_bytes=memory, processes=len(stats))


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat after the name, so that index 0 is the state."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def _descendants(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            children = [int(word) for word in file.read().split()]
    except OSError:
        return []
    return children + [one for child in children for one in _descendants(child)]
