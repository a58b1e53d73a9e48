"""One process per state file, and a note of how far it came.

The note is the newest acknowledged revision, written after each commit without waiting for the disk: it survives the
process, and it is never ahead of the file, also not after a power failure. So a file that is behind it has lost writes
that somebody was told of, say because its log was cut, which SQLite takes for the log's end.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from wherry.store.port import StoreError

_NOTE_AT = 32
_NOTE_BYTES = 21


class FileLock:
    """Holds `PATH.lock` until `release`, or until the process ends in whatever way."""

    __slots__ = ("_descriptor", "noted")

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
        self.noted = self._read_note()
        """The newest revision that an earlier process acknowledged, as far as it could be written down."""
        self._sign()

    def _sign(self) -> None:
        """Leave the process id for whoever is refused. Only a courtesy: a full disk must not keep the store shut."""
        try:
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode().ljust(_NOTE_AT), 0)
        except OSError:
            pass

    def note(self, revision: int) -> None:
        """Write down what was acknowledged. A courtesy as well: it costs a call to the kernel, not one to the disk."""
        try:
            os.pwrite(self._descriptor, b"%020d\n" % revision, _NOTE_AT)
        except OSError:
            pass

    def _read_note(self) -> int:
        text = os.pread(self._descriptor, _NOTE_BYTES, _NOTE_AT)
        return int(text) if len(text) == _NOTE_BYTES and text[:-1].isdigit() else 0

    def release(self) -> None:
        os.close(self._descriptor)
