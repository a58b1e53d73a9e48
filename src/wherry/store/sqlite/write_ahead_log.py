"""SQLite's log as bytes: which pages it holds. For files that SQLite itself cannot be trusted with any more.

SQLite reads its log up to the first frame that does not fit the one before it, and forgets what follows. Here the frames
behind are found too: each one's checksum goes on from what the one before it *says*, so that those behind a damaged one
can be told from rubbish. Source: https://www.sqlite.org/walformat.html
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wherry.store.sqlite.schema import PAGE_BYTES

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = (0x377F0682, 0x377F0683)
_WORD = 0xFFFFFFFF


def keep(path: Path) -> None:
    """Give the log of a store a second name until `prove`: SQLite takes the log away, whatever it made of it.

    One that is there already is of a store that nobody could open since. Not every file system can; then there is none.
    """
    if (log := _log(path)).exists() and not _kept(path).exists():
        try:
            os.link(log, _kept(path))
        except OSError:
            pass


def prove(path: Path) -> None:
    """The store is good with what SQLite made of its log."""
    _kept(path).unlink(missing_ok=True)


def set_log_aside(path: Path) -> Path:
    """Take the log away from a store that is damaged; gives where it is now, if there is one. Raises `OSError`."""
    log, kept = _log(path), _kept(path)
    if kept.exists():
        log.unlink(missing_ok=True)
    elif log.exists():
        os.replace(log, kept)
    return kept


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _kept(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal.unproven")


@dataclass(frozen=True, slots=True)
class Frame:
    """A page as one commit left it. `whole`: SQLite takes this frame and all before it."""

    page: int
    image: bytes
    whole: bool


def checksum(data: bytes, big_endian: bool, before: tuple[int, int]) -> tuple[int, int]:
    """SQLite's sums over pairs of words, beginning with those of what came before."""
    first, second = before
    words = struct.unpack(f"{'>' if big_endian else '<'}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & _WORD
        second = (second + odd + first) & _WORD
    return first, second


def frames(log: bytes) -> Iterator[Frame]:
    """The committed frames in order; none of a log whose header says nothing."""
    if len(log) < _HEADER.size:
        return
    magic, _, _, _, *salts, first, second = _HEADER.unpack_from(log)
    big_endian = magic == _MAGIC[1] if magic in _MAGIC else sys.byteorder == "big"
    sums = first, second
    whole = magic in _MAGIC and checksum(log[:24], big_endian, (0, 0)) == sums
    pending: list[Frame] = []
    for offset in range(_HEADER.size, len(log) - _FRAME.size - PAGE_BYTES + 1, _FRAME.size + PAGE_BYTES):
        page, committed_pages, *frame_salts, first, second = _FRAME.unpack_from(log, offset)
        image = log[offset + _FRAME.size : offset + _FRAME.size + PAGE_BYTES]
        fits = checksum(image, big_endian, checksum(log[offset : offset + 8], big_endian, sums)) == (first, second)
        whole = whole and fits and frame_salts == salts
        sums = first, second
        if not fits:
            continue  # what its commit has brought elsewhere may still be good
        pending.append(Frame(page, image, whole))
        if committed_pages:
            yield from pending
            pending.clear()
