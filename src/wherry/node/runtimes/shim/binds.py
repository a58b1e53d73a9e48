"""Showing files at other places to one process: bind mounts in a mount namespace of its own.

The machine's own directories are never touched. Where a target does not exist, its nearest existing parent is replaced, in
the namespace only, by a mirror: an empty tmpfs in which each entry of the original is bound again, plus the new one.
Without root this works in a user namespace that maps nobody but the user (since Linux 3.8; Ubuntu 24.04 forbids it
unless AppArmor is told otherwise).
"""

from __future__ import annotations

import os

from wherry.node.runtimes.shim import system
from wherry.node.runtimes.shim.system import (
    MS_BIND,
    MS_MOVE,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    MS_SLAVE,
    MS_UNBINDABLE,
    mount,
)

_LOCKED = ((os.ST_NOSUID, 2), (os.ST_NODEV, 4), (os.ST_NOEXEC, 8), (os.ST_NOATIME, 1024), (os.ST_RELATIME, 1 << 21))
"""Flags as statvfs tells them and as mount takes them."""


def private_mounts() -> None:
    """Go into a mount namespace of our own. Raises `OSError` where that is not allowed."""
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        system.unshare(system.CLONE_NEWNS)
    else:
        system.unshare(system.CLONE_NEWUSER | system.CLONE_NEWNS)
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    mount("none", "/", flags=MS_REC | MS_SLAVE)  # what is unmounted outside does not stay mounted in here


def show_binds(binds: list[tuple[str, str, bool]], scratch: str) -> None:
    """Show each source at its target; `scratch` is an empty directory of ours. Raises `OSError`."""
    private_mounts()
    ours: list[str] = []
    mirrors: set[int] = set()
    for source, target, read_only in sorted(binds, key=_depth):
        target = os.path.realpath(target)
        if not os.path.lexists(target):
            _make_room(target, os.path.isdir(source), scratch, ours, mirrors)
        mount(source, target, flags=MS_BIND | MS_REC)
        ours.append(target)
        if read_only:
            mount("none", target, flags=MS_BIND | MS_REMOUNT | MS_RDONLY | _flags_of(target))


def _depth(bind: tuple[str, str, bool]) -> int:
    return os.path.normpath(bind[1]).count("/")


def _make_room(target: str, directory: bool, scratch: str, ours: list[str], mirrors: set[int]) -> None:
    """Let `target` exist as a mount point: inside a volume or a mirror by making it there, else in a new mirror."""
    parent = os.path.dirname(target)
    while not os.path.isdir(parent):
        parent = os.path.dirname(parent)
    in_volume = any(parent == one or parent.startswith(one + "/") for one in ours)
    if not in_volume and os.stat(parent).st_dev not in mirrors:
        _mirror(parent, scratch)
        mirrors.add(os.stat(parent).st_dev)
    if directory:
        os.makedirs(target)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))


def _mirror(path: str, scratch: str) -> None:
    staging = os.path.join(scratch, "mirror")
    os.makedirs(staging, exist_ok=True)
    mount("wherry", staging, "tmpfs", data="mode=0755")
    mount("none", staging, flags=MS_UNBINDABLE)  # or binding what holds it would bind it into itself
    for entry in os.scandir(path):
        place = os.path.join(staging, entry.name)
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), place)
            continue
        if entry.is_dir(follow_symlinks=False):
            os.mkdir(place)
        else:
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o600))
        mount(entry.path, place, flags=MS_BIND | MS_REC)
    if path == "/":
        os.chdir(staging)
        mount(".", "/", flags=MS_MOVE)
        os.chroot(".")
        os.chdir("/")
    else:
        mount(staging, path, flags=MS_MOVE)
    mount("none", path, flags=MS_PRIVATE)


def _flags_of(target: str) -> int:
    """The flags that a remount in a user namespace must keep."""
    flags = os.statvfs(target).f_flag
    return sum(value for kept, value in _LOCKED if flags & kept)


def probe() -> None:
    """Say whether it works here: exit code 0."""
    try:
        private_mounts()
    except OSError:
        raise SystemExit(1) from None
