"""Rows out of the pages of a damaged file, without SQLite: page by page, so that one bad page spoils no other.

The layout is SQLite's (https://www.sqlite.org/fileformat2.html). What makes this simple: the table `log` is the only
one with rows in leaves of its kind, pages have one size, and the pointer map, which is there because of `auto_vacuum`,
says of each page whether it is in use: rows in free pages were removed, and must not come back.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from wherry.store.sqlite.schema import PAGE_BYTES, Row

_LEAF, _INNER = 0x0D, 0x05
_POINTERS_PER_MAP = PAGE_BYTES // 5
_IN_TABLES = (b"\1", b"\5")
"""What the pointer map says of roots of tables and of the pages below them."""
_LARGEST_LOCAL = PAGE_BYTES - 35
_SMALLEST_LOCAL = (PAGE_BYTES - 12) * 32 // 255 - 23
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}

PageOf = Callable[[int], bytes]
"""A page by its number, counted from 1; no bytes where there is none."""


class Unreadable(Exception):
    """The bytes are no row."""


def _map_page(page: int) -> int:
    """The page of the pointer map that tells about a page."""
    return (page - 2) // (_POINTERS_PER_MAP + 1) * (_POINTERS_PER_MAP + 1) + 2


def _mapped(page: int, page_of: PageOf) -> bytes:
    """What the pointer map says a page is: nothing of those that it does not tell about."""
    at = _map_page(page)
    return page_of(at)[5 * (page - at - 1) :][:1] if page >= 3 and at != page else b""


def is_mapped(page: int, page_of: PageOf) -> bool:
    """Whether the pointer map knows of such a page."""
    return _mapped(page, page_of) not in (b"", b"\0")


def in_use(page: int, page_of: PageOf) -> bool:
    """Whether a page belongs to a table, and is not free, nor what a large value flowed over to."""
    return _mapped(page, page_of) in _IN_TABLES


def is_leaf(content: bytes) -> bool:
    """Whether it is a page of rows."""
    return content[:1] == bytes([_LEAF])


def is_inner(content: bytes) -> bool:
    """Whether it is a page that only leads to others, or one of the small table `meta`."""
    return content[:1] in (bytes([_INNER]), b"\x0a", b"\x02")


def rows(content: bytes, page_of: PageOf) -> Iterator[Row | None]:
    """The rows of a leaf; None for each that cannot be read at all."""
    count = min(int.from_bytes(content[3:5], "big"), PAGE_BYTES // 4)
    for offset in struct.unpack_from(f">{count}H", content, 8):
        try:
            yield _row(content, offset, page_of)
        except (Unreadable, IndexError, struct.error, UnicodeDecodeError):
            yield None


def _row(content: bytes, offset: int, page_of: PageOf) -> Row:
    size, offset = _varint(content, offset)
    revision, offset = _varint(content, offset)
    payload = _payload(content, offset, size, page_of)
    end, at = _varint(payload, 0)
    kinds: list[int] = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    if len(kinds) != 5:
        raise Unreadable
    values: list[int | bytes | None] = []
    for kind in kinds:
        value, at = _value(payload, at, kind)
        values.append(value)
    _, key, created, content_, check = values
    if not (isinstance(key, bytes) and isinstance(created, int) and isinstance(check, int)):
        raise Unreadable
    if isinstance(content_, int):
        raise Unreadable
    return revision, key.decode(), created, content_, check


def _payload(content: bytes, offset: int, size: int, page_of: PageOf) -> bytes:
    """A cell's bytes. What flowed over lies in a chain of pages; a chain that breaks gives what there is."""
    if size <= _LARGEST_LOCAL:
        return content[offset : offset + size]
    local = _SMALLEST_LOCAL + (size - _SMALLEST_LOCAL) % (PAGE_BYTES - 4)
    if local > _LARGEST_LOCAL:
        local = _SMALLEST_LOCAL
    parts = [content[offset : offset + local]]
    (following,) = struct.unpack_from(">I", content, offset + local)
    missing = size - local
    while missing > 0 and following and (page := page_of(following)):
        parts.append(page[4 : 4 + missing])
        missing -= len(parts[-1])
        following = int.from_bytes(page[:4], "big")
    return b"".join(parts)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for turn in range(9):
        byte = data[at + turn]
        if turn == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + turn + 1
    raise Unreadable


def _value(payload: bytes, at: int, kind: int) -> tuple[int | bytes | None, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    if size := _INTEGERS.get(kind):
        return int.from_bytes(payload[at : at + size], "big", signed=True), at + size
    if kind >= 12:
        size = (kind - 12) // 2
        return payload[at : at + size], at + size
    raise Unreadable
