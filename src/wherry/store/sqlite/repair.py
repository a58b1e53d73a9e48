"""A damaged file made good: what can be read goes into a new one, the old one stays beside it.

Revisions go on far behind the last one that may have been given. A client that comes back with one it got before the
damage is told that it is too old, lists again, and sees what is there now, instead of missing what was lost.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from wherry.base.files import sync_directory
from wherry.store.port import StoreDamaged, StoreError
from wherry.store.snapshot import Snapshot
from wherry.store.sqlite import schema
from wherry.store.sqlite.errors import translated
from wherry.store.sqlite.lock import FileLock
from wherry.store.sqlite.salvage import Salvaged, salvage
from wherry.store.sqlite.write_ahead_log import set_log_aside

REVISIONS_SKIPPED = 1_000_000
_KEYS_TOLD = 5


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was done; `str` is one line for people."""

    kept: Path
    """The damaged file."""
    found: str
    """What was wrong with it."""
    objects: int
    lost: str

    def __str__(self) -> str:
        return f"the store was damaged ({self.found}): {self.objects} objects recovered, {self.lost}; the damaged file is kept as {self.kept}"  # fmt: skip


def repair(path: Path, damage: StoreDamaged, *, now: float) -> Repaired:
    """Take the place of a damaged file with what can be read of it. Nobody may have it open.

    `now` is the time in seconds, for the name of what is kept. Raises the damage again if nothing can be read: then it
    is not for us to start with an empty cluster; and `StoreError`, `StoreFull` when the new file cannot be written.
    """
    path = path.absolute()
    lock = FileLock(path)
    try:
        log = set_log_aside(path)
        salvaged = salvage(path, log, acknowledged=lock.noted)
        if not salvaged.entries:
            raise damage
        made = path.with_name(f"{path.name}.repaired")
        revision = max(salvaged.revision, lock.noted) + REVISIONS_SKIPPED
        with translated(path):
            schema.create(made, Snapshot(revision=revision, entries=tuple(salvaged.entries)))
        kept = _put_aside(path, log, now)
        os.replace(made, path)
        sync_directory(path.parent)
        log.unlink(missing_ok=True)
        lock.note(revision)
    except OSError as error:
        raise StoreError(f"{path}: cannot be repaired: {error.strerror}") from error
    finally:
        lock.release()
    return Repaired(kept, damage.found, len(salvaged.entries), _lost(salvaged, lock.noted))


def _put_aside(path: Path, log: Path, now: float) -> Path:
    """Give the damaged file and its log a second name, one that is free."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
    kept, turn = path.with_name(f"{path.name}.damaged-{stamp}"), 1
    while kept.exists():
        turn += 1
        kept = path.with_name(f"{path.name}.damaged-{stamp}-{turn}")
    _link(path, kept)
    if log.exists():
        _link(log, kept.with_name(f"{kept.name}-wal"))
    return kept


def _link(path: Path, name: Path) -> None:
    """Give a file a second name; where the file system cannot, copy it."""
    try:
        os.link(path, name)
    except OSError:
        shutil.copy2(path, name)


def _lost(salvaged: Salvaged, acknowledged: int) -> str:
    lost: list[str] = []
    if keys := list(dict.fromkeys(salvaged.lost_keys)):
        more = f" and {len(keys) - _KEYS_TOLD} more" if len(keys) > _KEYS_TOLD else ""
        lost.append(f"the newest state of {', '.join(keys[:_KEYS_TOLD])}{more}")
    if salvaged.lost_rows:
        lost.append(f"{salvaged.lost_rows} rows that cannot be read")
    if salvaged.lost_pages:
        lost.append(f"what was in {salvaged.lost_pages} pages")
    if salvaged.revision < acknowledged:
        lost.append(f"what was written after revision {salvaged.revision} (up to {acknowledged})")
    return f"lost: {', '.join(lost)}" if lost else "nothing is known to be lost"
