"""Control groups of any layout: where they are, what they count, how they go away.

What always holds: only paths below the node's own group are touched; removal kills what is inside first.
Source: Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst of Linux.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wherry.node.runtimes.port import Usage

_KILL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Layout:
    """The machine's hierarchies. On v2 `controllers` is empty and everything is in `unified`."""

    controllers: dict[str, Path]
    """v1: controller to mount point."""
    unified: Path | None
    """The v2 hierarchy; on hybrid machines it has no controllers."""

    @property
    def is_v2(self) -> bool:
        return not self.controllers and self.unified is not None

    @property
    def roots(self) -> tuple[Path, ...]:
        """Every hierarchy's mount point, once."""
        return tuple(dict.fromkeys([*self.controllers.values(), *([self.unified] if self.unified else [])]))

    def counter(self, controller: str, group: str, name: str) -> Path:
        """A file of a group."""
        root = self.unified if self.is_v2 else self.controllers.get(controller)
        return (root or Path("/nonexistent")) / group / name


def parse_layout(mountinfo: str) -> Layout:
    """From /proc/self/mountinfo; of several mounts of one hierarchy the first counts. Pure."""
    controllers: dict[str, Path] = {}
    unified: Path | None = None
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        place = Path(left.split(" ")[4].replace("\\040", " "))
        kind, _, options = right.split(" ", 2)
        if kind == "cgroup2" and unified is None:
            unified = place
        elif kind == "cgroup":
            names = [one for one in options.split(",") if one not in _NOT_CONTROLLERS]
            for name in names:
                controllers.setdefault(name, place)
    return Layout(controllers, unified)


_NOT_CONTROLLERS = frozenset({"rw", "ro", "seclabel", "xattr", "release_agent", "clone_children", "noprefix"})


def this_machine() -> Layout:
    return parse_layout(Path("/proc/self/mountinfo").read_text())


def oom_counters(layout: Layout, group: str) -> list[tuple[str, str]]:
    """Files and keys with the number of kills for lack of memory."""
    name = "memory.events" if layout.is_v2 else "memory.oom_control"
    return [(str(layout.counter("memory", group, name)), "oom_kill")]


def usage(layout: Layout, group: str) -> Usage | None:
    """None when the group is gone. Memory is the working set: without file pages that nobody used lately."""
    try:
        if layout.is_v2:
            seconds = _keyed(layout.counter("cpu", group, "cpu.stat"), "usage_usec") / 1e6
            memory = _number(layout.counter("memory", group, "memory.current"))
            idle = _keyed(layout.counter("memory", group, "memory.stat"), "inactive_file")
        else:
            seconds = _number(layout.counter("cpuacct", group, "cpuacct.usage")) / 1e9
            memory = _number(layout.counter("memory", group, "memory.usage_in_bytes"))
            idle = _keyed(layout.counter("memory", group, "memory.stat"), "total_inactive_file")
        processes = _number(layout.counter("pids", group, "pids.current"))
    except OSError:
        return None
    return Usage(cpu_seconds=seconds, memory_bytes=max(0, memory - idle), processes=processes)


def _number(path: Path) -> int:
    return int(path.read_text())


def _keyed(path: Path, key: str) -> int:
    for line in path.read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == key:
            return int(value)
    return 0


def remove(layout: Layout, group: str) -> None:
    """Kill every process in the group and below, and remove it from every hierarchy."""
    _kill_all(layout, group)
    for root in layout.roots:
        _remove_tree(root / group)


def remove_empty_below(layout: Layout, group: str) -> None:
    """Remove the group with its empty subgroups, then what is above it, as far as nothing else is in there."""
    for root in layout.roots:
        for folder, _, _ in os.walk(root / group, topdown=False):
            _try_rmdir(Path(folder))
        path = (root / group).parent
        while path != root and _try_rmdir(path):
            path = path.parent


def _try_rmdir(path: Path) -> bool:
    try:
        path.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _kill_all(layout: Layout, group: str) -> None:
    deadline = time.monotonic() + _KILL_SECONDS
    while (pids := set(_pids(layout, group))) and time.monotonic() < deadline:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.002)


def _pids(layout: Layout, group: str) -> Iterator[int]:
    for root in layout.roots:
        for folder, _, _ in os.walk(root / group):
            try:
                yield from (int(word) for word in Path(folder, "cgroup.procs").read_text().split())
            except OSError:
                continue


def _remove_tree(path: Path) -> None:
    """Deepest first. The kernel may still be letting go of processes that are dead: then it is tried again."""
    for _ in range(50):
        try:
            for folder, _, _ in os.walk(path, topdown=False):
                os.rmdir(folder)
            return
        except FileNotFoundError:
            continue
        except OSError:
            time.sleep(0.004)
