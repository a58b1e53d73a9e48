"""A terminal's size."""

from __future__ import annotations

import fcntl
import sys
import termios


def resize(descriptor: int, columns: int, rows: int) -> None:
    """The kernel tells the terminal's foreground processes with SIGWINCH."""
    packed = b"".join(value.to_bytes(2, sys.byteorder) for value in (rows, columns, 0, 0))
    try:
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, packed)
    except OSError:
        pass
