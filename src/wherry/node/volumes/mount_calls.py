"""mount(2) and umount(2), without a process for each."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

MNT_DETACH = 2


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: Path, kind: str, *, flags: int = 0, options: str = "") -> None:
    """Raises `OSError`."""
    arguments = (source.encode(), os.fsencode(target), kind.encode(), flags, options.encode())
    if _libc().mount(*arguments):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(target))


def unmount_all_below(directory: Path) -> None:
    """Take away every mount at or below a directory, deepest first; what cannot be unmounted stays."""
    for target in sorted(mounts_below(directory), key=len, reverse=True):
        _libc().umount2(os.fsencode(target), MNT_DETACH)


def mounts_below(directory: Path) -> list[str]:
    try:
        text = Path("/proc/self/mountinfo").read_text()
    except OSError:
        return []
    prefix = str(directory)
    points = (_unescape(line.split(" ")[4]) for line in text.splitlines())
    return [point for point in points if point == prefix or point.startswith(f"{prefix}/")]


def _unescape(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
