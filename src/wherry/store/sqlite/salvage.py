"""What can be read of a damaged file: the newest good row of each key.

What is lost is known as far as it can be: rows whose checksum is wrong are named by their keys, pages that cannot be
read are counted. A key whose newest row is lost comes back as it was before, if that row is still there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from wherry.store.port import Entry
from wherry.store.sqlite import pages, schema, write_ahead_log
from wherry.store.sqlite.schema import PAGE_BYTES


@dataclass(slots=True)
class Salvaged:
    """What was found."""

    entries: list[Entry] = field(default_factory=list)
    revision: int = 0
    """The newest that was found."""
    lost_keys: list[str] = field(default_factory=list)
    """Of rows that are damaged."""
    lost_rows: int = 0
    """Damaged rows whose key cannot be read either."""
    lost_pages: int = 0
    """Pages that should hold rows and do not."""


def salvage(path: Path, log: Path, *, acknowledged: int) -> Salvaged:
    """Read the file and its log. `acknowledged` is a revision that must be there if nothing is lost.

    The log is taken as far as SQLite takes it, and beyond only if something that was acknowledged is missing else: what
    stands there may also be of a commit that failed. Raises `OSError`.
    """
    content = path.read_bytes()
    frames = list(write_ahead_log.frames(log.read_bytes())) if log.exists() else []
    found = _read(content, {frame.page: frame.image for frame in frames if frame.whole})
    if found.revision < acknowledged and not all(frame.whole for frame in frames):
        found = _read(content, {frame.page: frame.image for frame in frames})
    return found


def _read(content: bytes, newer: dict[int, bytes]) -> Salvaged:
    def page_of(number: int) -> bytes:
        image = newer.get(number)
        if image is None:
            image = content[(number - 1) * PAGE_BYTES : number * PAGE_BYTES] if number > 0 else b""
        return image if len(image) == PAGE_BYTES else b""

    found = Salvaged()
    newest: dict[str, tuple[int, int, bytes | None]] = {}
    for number in range(3, _page_count(content, newer, page_of) + 1):
        if pages.in_use(number, page_of):
            _read_page(page_of(number), page_of, newest, found)
    found.entries = [Entry(key, value, created, revision) for key, (revision, created, value) in newest.items() if value is not None]  # fmt: skip
    found.lost_keys.sort()
    return found


def _page_count(content: bytes, newer: dict[int, bytes], page_of: pages.PageOf) -> int:
    """How many pages there should be: also those that were cut off, which the pointer map still tells of."""
    count = max(-(-len(content) // PAGE_BYTES), *newer, 2) if newer else max(-(-len(content) // PAGE_BYTES), 2)
    while pages.is_mapped(count + 1, page_of):
        count += 1
    return count


def _read_page(
    content: bytes, page_of: pages.PageOf, newest: dict[str, tuple[int, int, bytes | None]], found: Salvaged
) -> None:
    if not pages.is_leaf(content):
        found.lost_pages += not pages.is_inner(content)
        return
    for row in pages.rows(content, page_of):
        if row is None:
            found.lost_rows += 1
            continue
        revision, key, created, value, check = row
        if check != schema.checksum(revision, key, created, value):
            found.lost_keys.append(key)
            continue
        found.revision = max(found.revision, revision)
        if revision > newest.get(key, (0,))[0]:
            newest[key] = revision, created, value
