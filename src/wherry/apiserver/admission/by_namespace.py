"""What holds in a namespace, worked out once from the objects of one resource there, and again after they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from wherry.api.types import Object
from wherry.apiserver.objects import decoded
from wherry.apiserver.watching.frames import Change
from wherry.apiserver.watching.hub import Hubs
from wherry.store.port import Store

T = TypeVar("T")


class ByNamespace(Generic[T]):
    """A cache with an answer for every namespace that was asked for; most answers are empty tuples."""

    __slots__ = ("_compile", "_known", "_prefix", "_store")

    def __init__(self, store: Store, hubs: Hubs, prefix: str, compile: Callable[[Object], T]) -> None:
        self._store = store
        self._prefix = prefix
        self._compile = compile
        self._known: dict[str, tuple[T, ...]] = {}
        hubs.of(prefix).attach(self)

    def deliver(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._known.pop(change.entry.key[len(self._prefix) :].partition("/")[0], None)

    def of(self, namespace: str) -> tuple[T, ...]:
        """One look-up, unless something has changed there."""
        found = self._known.get(namespace)
        if found is None:
            entries = self._store.range(f"{self._prefix}{namespace}/").entries
            found = self._known[namespace] = tuple(self._compile(decoded(entry)) for entry in entries)
        return found
