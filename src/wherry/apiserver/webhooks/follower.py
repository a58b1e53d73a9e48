"""The webhooks that the configurations in the store ask for, in the order in which they are asked: by configuration's name.

What always holds: a configuration is compiled once, in the delivery of its change; whoever sees it written finds it in force.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from wherry.api.types import Object
from wherry.apiserver.objects import decoded
from wherry.apiserver.watching.frames import DELETED, Change
from wherry.apiserver.watching.hub import Hubs
from wherry.store.port import Store

T = TypeVar("T")


class Compiled(Generic[T]):
    """What each object below a prefix means, kept up to date; `all` has it in the order of the objects' names."""

    __slots__ = ("_by_name", "_changed", "_compile", "_prefix", "all")

    def __init__(
        self,
        store: Store,
        hubs: Hubs,
        prefix: str,
        *,
        compile: Callable[[Object], Sequence[T]],
        changed: Callable[[], None],
    ) -> None:
        self._prefix = prefix
        self._compile = compile
        self._changed = changed
        self._by_name: dict[str, tuple[T, ...]] = {}
        self.all: tuple[T, ...] = ()
        hubs.of(prefix).attach(self)
        for entry in store.range(prefix).entries:
            self._by_name[entry.key] = tuple(compile(decoded(entry)))
        self._arrange()

    def deliver(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.type == DELETED:
                self._by_name.pop(change.entry.key, None)
            else:
                self._by_name[change.entry.key] = tuple(self._compile(decoded(change.entry)))
        self._arrange()

    def _arrange(self) -> None:
        self.all = tuple(each for key in sorted(self._by_name) for each in self._by_name[key])
        self._changed()
