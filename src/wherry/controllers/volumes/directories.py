"""Volumes as directories on the machine, one below the volumes' directory of a node.

What always holds: nothing is removed that does not stand exactly where this volume of that node was made, whatever
somebody has written into the volume's object.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

Roots = Callable[[str], Path | None]
"""From a node's name to where its volumes stand; None for nodes that only pretend, and for unknown ones."""

PRETENDED = Path("/var/lib/wherry/volumes")
MODE = 0o777
"""Containers run as anybody; the directories above are closed to the machine's other users."""
_GOING = ".going-"


class Directories:
    """Makes and removes them. Raises `OSError`."""

    def __init__(self, roots: Roots | None) -> None:
        self._roots = roots or (lambda node: None)

    def pretends(self, node: str) -> bool:
        """Whether a node has no disk of its own."""
        return self._roots(node) is None

    def make(self, node: str, volume: str) -> Path:
        root = self._roots(node)
        if root is None:
            return PRETENDED / volume
        path = root / volume
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(MODE)
        return path

    async def remove(self, node: str, volume: str, path: Path) -> None:
        """Renamed first, so that what is left of a removal that was cut short is no volume any more."""
        root = self._roots(node)
        if root is not None and path == root / volume:
            await asyncio.to_thread(_remove, path, root / f"{_GOING}{volume}")


def _remove(path: Path, going: Path) -> None:
    if path.exists():
        path.rename(going)
    if going.exists():
        shutil.rmtree(going)
