"""Linux network namespaces by name, and sockets inside them.

A socket belongs for life to the namespace in which it was made. So one thread enters the namespace, makes the socket and
ends, and the event loop uses the socket like any other: no process per namespace is needed.

Names are files in `/run/netns`, as `ip netns` keeps them. Everything here blocks for well under a millisecond, apart from
`delete`, which may wait for the kernel to take a namespace down.
Source: setns(2), network_namespaces(7), ip-netns(8).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

DIRECTORY = Path("/run/netns")
_CLONE_NEWNET = 0x40000000
_MS_BIND, _MS_SHARED = 0x1000, 0x100000
_MNT_DETACH = 2


def path(name: str) -> Path:
    return DIRECTORY / name


def names(prefix: str = "") -> list[str]:
    """The named namespaces that begin with a prefix, in order."""
    try:
        return sorted(entry for entry in os.listdir(DIRECTORY) if entry.startswith(prefix))
    except FileNotFoundError:
        return []


def exists(name: str) -> bool:
    """Whether the name stands for a namespace (and not for a file that a crash left behind)."""
    target = path(name)
    try:
        return target.stat().st_dev != DIRECTORY.stat().st_dev
    except OSError:
        return False


def create(name: str) -> Path:
    """Make a named namespace with its loopback up; does nothing if it is there. Raises `OSError`."""
    target = path(name)
    if exists(name):
        return target
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    _share_directory()
    target.touch(mode=0o444)

    def make() -> None:
        _check(_libc().unshare(_CLONE_NEWNET), "unshare")
        source = f"/proc/self/task/{threading.get_native_id()}/ns/net"
        _check(_libc().mount(source.encode(), os.fsencode(target), b"none", _MS_BIND, None), f"mount {target}")
        _raise_loopback()

    try:
        _in_thread(make)
    except OSError:
        target.unlink(missing_ok=True)
        raise
    return target


def delete(name: str) -> None:
    """Unmount and remove a named namespace; the kernel frees it when the last process and socket in it are gone."""
    target = path(name)
    if exists(name):
        result = _libc().umount2(os.fsencode(target), _MNT_DETACH)
        if result != 0 and ctypes.get_errno() not in (errno.EINVAL, errno.ENOENT):
            _check(result, f"unmount {target}")
    target.unlink(missing_ok=True)


def tidy() -> None:
    """Take away the directory of names, and the mount on it, if there is no name left."""
    with contextlib.suppress(OSError):
        if not os.listdir(DIRECTORY):
            _libc().umount2(os.fsencode(DIRECTORY), _MNT_DETACH)
            DIRECTORY.rmdir()


def run_in(namespace: Path | str, function: Callable[[], T]) -> T:
    """Call a function inside a namespace and give its result; other threads are not touched. Raises what it raises."""

    def enter() -> T:
        descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check(_libc().setns(descriptor, _CLONE_NEWNET), f"enter {namespace}")
        finally:
            os.close(descriptor)
        return function()

    return _in_thread(enter)


def socket_in(
    namespace: Path | str,
    family: int = socket.AF_INET,
    kind: int = socket.SOCK_STREAM,
    protocol: int = 0,
    *,
    nonblocking: bool = True,
) -> socket.socket:
    """A new socket that lives in the namespace."""

    def make() -> socket.socket:
        made = socket.socket(family, kind, protocol)
        made.setblocking(not nonblocking)
        return made

    return run_in(namespace, make)


def write_sysctl(namespace: Path | str, name: str, value: str) -> None:
    """Set a `net.*` sysctl inside a namespace (`/proc/sys/net` shows the calling thread's own)."""
    target = Path("/proc/sys") / name.replace(".", "/")
    run_in(namespace, lambda: target.write_text(value))


def _in_thread(function: Callable[[], T]) -> T:
    """Run in a thread that ends afterwards, so that what it did to its own namespaces ends with it."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def body() -> None:
        try:
            outcome.append(function())
        except BaseException as error:  # noqa: BLE001 - carried over to the calling thread and raised there
            failure.append(error)

    thread = threading.Thread(target=body, name="netns")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


_libc_handle: ctypes.CDLL | None = None


def _libc() -> ctypes.CDLL:
    global _libc_handle
    if _libc_handle is None:
        if not sys.platform.startswith("linux"):
            raise OSError(errno.ENOSYS, "network namespaces exist on Linux only")
        _libc_handle = ctypes.CDLL(None, use_errno=True)
    return _libc_handle


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _share_directory() -> None:
    """Make `/run/netns` a shared mount of its own, as `ip netns add` does, so that every mount namespace sees the names."""
    # Not os.path.ismount: it cannot see a bind mount within one file system, and mounting again each time would double
    # the number of mounts each time.
    point = os.fspath(DIRECTORY)
    with open("/proc/self/mountinfo") as lines:
        if any(line.split(" ", 5)[4] == point for line in lines):
            return
    directory = os.fsencode(DIRECTORY)
    _check(_libc().mount(directory, directory, b"none", _MS_BIND, None), f"mount {DIRECTORY}")
    _check(_libc().mount(b"none", directory, b"none", _MS_SHARED, None), f"share {DIRECTORY}")


def _raise_loopback() -> None:
    import fcntl
    import struct

    get_flags, set_flags, up = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, get_flags, request))[1]
        fcntl.ioctl(control, set_flags, struct.pack("16sH14x", b"lo", flags | up))
