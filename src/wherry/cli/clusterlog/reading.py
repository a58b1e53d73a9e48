"""Printing a cluster's log, and going on as it grows."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from wherry.cli.clusterlog.lines import Filter
from wherry.cli.errors import Refused

_POLL_SECONDS = 0.2


def show(path: Path, chosen: Filter, *, tail: int | None, follow: bool) -> None:
    """Print the chosen lines; with `follow` until interrupted. Raises `Refused` where there is no log."""
    try:
        file = path.open(errors="replace")
    except FileNotFoundError:
        raise Refused(f"there is no log in {path}: the cluster has never been started in the background") from None
    with file:
        kept = chosen.keep(file)
        lines = deque(kept, maxlen=tail) if tail is not None and tail >= 0 else kept
        sys.stdout.writelines(lines)
        sys.stdout.flush()
        position = file.tell()
    if follow:
        for line in chosen.keep(_growing(path, position)):
            sys.stdout.write(line)
            sys.stdout.flush()


def _growing(path: Path, position: int) -> Iterator[str]:
    """Every line that is added after a position; from the start again where the file was replaced or cut."""
    rest, inode = "", path.stat().st_ino
    while True:
        time.sleep(_POLL_SECONDS)
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        if found.st_ino != inode or found.st_size < position:
            rest, inode, position = "", found.st_ino, 0
        if found.st_size == position:
            continue
        with path.open("rb") as file:
            file.seek(position)
            data = file.read()
        position += len(data)
        *lines, rest = (rest + data.decode(errors="replace")).split("\n")
        yield from (f"{line}\n" for line in lines)
