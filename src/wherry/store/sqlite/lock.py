"""One process per state file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from wherry.store.port import StoreError


class FileLock:
    """Holds `PATH.lock` until `release`, or until the process ends in whatever way."""

    __slots__ = ("_descriptor",)

    def __init__(self, path: Path) -> None:
        """Raises `StoreError` if another process, or another store of this one, holds it."""
        try:
            descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{path}: cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 20).decode(errors="replace").strip()
            os.close(descriptor)
            by = f"process {holder}" if holder else "another process"
            raise StoreError(f"{path}: in use by {by}; stop it first or choose another state directory") from error
        self._descriptor = descriptor
        self._sign()

    def _sign(self) -> None:
        """Leave the process id for whoever is refused. Only a courtesy: a full disk must not keep the store shut."""
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            pass

    def release(self) -> None:
        os.close(self._descriptor)
