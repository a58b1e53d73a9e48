"""Watches of callers in this process: they are handed the objects of the store's entries, no bytes are made or read.

An event is made once for each type and version that somebody watches, and handed to all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wherry.api.types import Object
from wherry.apiserver.answers import served_form
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import Served
from wherry.apiserver.selection import Selection
from wherry.apiserver.watching.converting import ConvertingHub
from wherry.apiserver.watching.frames import DELETED, Change
from wherry.apiserver.watching.hub import Hub
from wherry.apiserver.watching.interest import Interest
from wherry.apiserver.watching.sight import LEFT, Sight
from wherry.client.feed import SharedEvent
from wherry.store.port import Entry
from wherry.wire.messages import BodyWriter, StreamResponse


class SharedWatch(StreamResponse):
    """The answer to such a watch: a `Source` for the caller's feed.

    `state` are the objects at `revision`; where there is none, `missed` are the changes since. The hub is attached to
    here: no await may lie between reading these and this.
    """

    __slots__ = ("_after", "_deliver", "_end", "_hub", "_over", "_served", "_sight", "_waiting", "revision", "state")

    def __init__(
        self,
        hub: Hub | ConvertingHub,
        served: Served,
        sight: Sight,
        *,
        revision: int,
        state: Sequence[Object] | None = None,
        missed: Sequence[Change] = (),
        interest: Interest | None = None,
    ) -> None:
        super().__init__(_no_bytes)
        self.state = state
        self.revision = revision
        self._hub = hub
        self._served = served
        self._sight = sight
        self._after = missed[-1].revision if missed else revision
        self._waiting = self._events(missed)
        self._deliver: Callable[[Sequence[SharedEvent]], None] | None = None
        self._end: Callable[[], None] | None = None
        self._over = False
        hub.attach(self, interest)

    # Receivers are kept in a dictionary: each is only itself, whatever dataclasses compare.
    __hash__ = object.__hash__
    __eq__ = object.__eq__

    def follow(self, deliver: Callable[[Sequence[SharedEvent]], None], end: Callable[[], None]) -> None:
        self._deliver, self._end = deliver, end
        waiting, self._waiting = self._waiting, []
        if waiting:
            deliver(waiting)
        if self._over:
            end()

    def end(self) -> None:
        """Nothing more will come: the reader has to begin anew."""
        self.stop()
        self._over = True
        if self._end is not None:
            self._end()

    def stop(self) -> None:
        self._hub.detach(self)

    def deliver(self, changes: Sequence[Change]) -> None:
        if changes[0].revision <= self._after:
            changes = [change for change in changes if change.revision > self._after]
        try:
            events = self._events(changes)
        except Exception:
            # A gap would be worse than an end: the reader lists and watches again.
            self.stop()
            if self._end is not None:
                self._end()
            raise
        if not events:
            return
        if self._deliver is None:
            self._waiting += events
        else:
            self._deliver(events)

    def _events(self, changes: Sequence[Change]) -> list[SharedEvent]:
        seen_as = self._sight.seen_as
        return [self._event(seen, change) for change in changes if (seen := seen_as(change))]

    def _event(self, seen: str, change: Change) -> SharedEvent:
        served = self._served
        key = (seen, served.qualified, served.version)
        event: SharedEvent | None = change.kept.get(key)
        if event is None:
            if seen == LEFT:
                obj = change.last_match()
                event = (DELETED, served.conversion.from_stored(obj) if served.conversion else obj)
            else:
                event = (seen, served_form(served, change.entry))
            change.kept[key] = event
        return event


def state_of(entries: Sequence[Entry], served: Served, selection: Selection) -> list[Object]:
    """The selected objects, as they are served."""
    if selection.everything:
        return [served_form(served, entry) for entry in entries]
    return [served_form(served, entry) for entry in entries if selection.matches(decoded(entry))]


async def _no_bytes(writer: BodyWriter) -> None:
    raise TypeError("this watch was asked for as objects")
