"""What the oci runtime must know of this machine, looked up once."""

from __future__ import annotations

import os
import resource
import stat
from pathlib import Path
from typing import Any

from wherry.node.runtimes.oci.capabilities import parse_available
from wherry.node.runtimes.oci.cgroups import Layout, this_machine
from wherry.node.runtimes.port import RuntimeFailure

Json = dict[str, Any]
_SOFT_FILES, _HARD_FILES = 1024, 524_288


def check() -> Layout:
    """Raises `RuntimeFailure` with what is missing."""
    if os.geteuid() != 0:
        raise RuntimeFailure("the oci runtime needs root; as another user take the process runtime")
    if "overlay" not in Path("/proc/filesystems").read_text() and not Path("/sys/module/overlay").exists():
        os.system("modprobe -q overlay 2>/dev/null")
    layout = this_machine()
    if not layout.roots:
        raise RuntimeFailure("no cgroup hierarchy is mounted at /sys/fs/cgroup")
    return layout


def open_files() -> tuple[int, int]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _HARD_FILES if hard == resource.RLIM_INFINITY else min(hard, _HARD_FILES)
    return min(_SOFT_FILES, most), most


def available_capabilities() -> frozenset[str]:
    return parse_available(Path("/proc/self/status").read_text())


def devices() -> list[Json]:
    """The machine's device nodes as the specification lists them, without terminals and what every container has."""
    found: list[Json] = []
    for folder, folders, files in os.walk("/dev"):
        folders[:] = [name for name in folders if name not in {"pts", "shm", "fd", "mqueue", ".lxc"}]
        for name in files:
            path = os.path.join(folder, name)
            entry = os.lstat(path)
            kind = "b" if stat.S_ISBLK(entry.st_mode) else "c" if stat.S_ISCHR(entry.st_mode) else ""
            if kind and path not in _EVERYWHERE:
                found.append(
                    {
                        "path": path,
                        "type": kind,
                        "major": os.major(entry.st_rdev),
                        "minor": os.minor(entry.st_rdev),
                        "fileMode": stat.S_IMODE(entry.st_mode),
                        "uid": entry.st_uid,
                        "gid": entry.st_gid,
                    }
                )
    return found


_EVERYWHERE = frozenset(
    {f"/dev/{name}" for name in ("null", "zero", "full", "tty", "urandom", "random", "console", "ptmx")}
)
