"""What the store's contract is written with: values that tell their revision, and short forms of what is expected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from wherry.store.port import Encode, Entry, Event, Page, Store, StoreError


def text(value: str) -> Encode:
    """Bytes that carry their revision, as the API server's objects do."""
    return lambda revision: f"{value}@{revision}".encode()


def names(page: Page) -> list[str]:
    return [entry.key for entry in page.entries]


def told(events: Sequence[Event]) -> list[tuple[str, str, int]]:
    return [(event.type, event.entry.key, event.entry.mod_revision) for event in events]


async def expect(error: type[StoreError], operation: Awaitable[object]) -> StoreError:
    """The operation must raise that error."""
    try:
        result = await operation
    except error as raised:
        return raised
    raise AssertionError(f"expected {error.__name__}, got {result!r}")


def expect_now(error: type[StoreError], operation: Callable[[], object]) -> StoreError:
    try:
        result = operation()
    except error as raised:
        return raised
    raise AssertionError(f"expected {error.__name__}, got {result!r}")


def note_keys(keys: list[str]) -> Callable[[Sequence[Event]], None]:
    """A `deliver` that collects keys."""
    return lambda events: keys.extend(event.entry.key for event in events)


def verbatim(value: bytes) -> Encode:
    return lambda revision: value


async def fill(store: Store, *keys: str) -> list[Entry]:
    return [await store.put(key, text(key), expected=0) for key in keys]
