"""A store's state at one moment, frozen."""

from __future__ import annotations

from dataclasses import dataclass

from wherry.store.port import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Every key at one revision. Taking one copies references, never values."""

    revision: int
    entries: tuple[Entry, ...]
