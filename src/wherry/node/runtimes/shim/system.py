"""System calls that Python has no name for, by way of the C library."""

from __future__ import annotations

import ctypes
import os
import sys

LINUX = sys.platform == "linux"

CLONE_FS = 0x200
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = (
    0x00020000, 0x04000000, 0x08000000, 0x10000000, 0x20000000,
)  # fmt: skip
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC = 1, 32, 4096, 8192, 16384
MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE = 1 << 17, 1 << 18, 1 << 19
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 1, 15, 36

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def prctl(option: int, value: int) -> None:
    """Linux only; does nothing elsewhere."""
    if LINUX:
        _check(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), "prctl")


def set_name(name: bytes) -> None:
    """The name that `ps -o comm` and `top` show."""
    if LINUX:
        _libc.prctl(PR_SET_NAME, ctypes.c_char_p(name), 0, 0, 0)


def unshare(flags: int) -> None:
    """Leave namespaces; on Linux these belong to the calling thread. Raises `OSError`."""
    _check(_libc.unshare(flags), "unshare")


def setns(descriptor: int, kind: int = 0) -> None:
    _check(_libc.setns(descriptor, kind), "setns")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2). Raises `OSError` with the target as its file name."""
    encoded = [os.fsencode(text) if text else None for text in (source, target, kind, data)]
    _check(_libc.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3]), target)


def sync_filesystem(path: str) -> None:
    """Write what is pending of the file system that holds `path`."""
    if not LINUX:
        os.sync()
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _check(_libc.syncfs(descriptor), path)
    finally:
        os.close(descriptor)


def unmount(target: str, flags: int = MNT_DETACH) -> None:
    _check(_libc.umount2(os.fsencode(target), flags), target)
