"""One subscription at the store for all watchers of a resource.

What always holds: a watcher is handed each change after its own revision once, in order; delivery never waits; what one
receiver raises reaches neither the others nor the store, whose write is done already.
"""

from __future__ import annotations

from collections.abc import ItemsView, Sequence
from typing import Protocol, runtime_checkable

from wherry.apiserver.watching.frames import Change
from wherry.apiserver.watching.interest import Interest, interests_of
from wherry.base.log import Logger
from wherry.store.port import Event, Store, Watch

_log = Logger("apiserver")


class Receiver(Protocol):
    """Somebody who wants to hear of changes. `deliver` must not block, raise, or change the hub's receivers."""

    def deliver(self, changes: Sequence[Change]) -> None: ...


@runtime_checkable
class Ending(Protocol):
    """A receiver on behalf of somebody who can be told that it is over."""

    def end(self) -> None: ...


class Hub:
    """The receivers of one prefix; subscribed only while there are any.

    Receivers with an `Interest` are found by it, so that a change costs the same however many of them there are.
    """

    __slots__ = ("_broad", "_interests", "_narrow", "_prefix", "_store", "_watch", "told")

    def __init__(self, store: Store, prefix: str) -> None:
        self._store = store
        self._prefix = prefix
        self._interests: dict[Receiver, Interest | None] = {}
        self._broad: dict[Receiver, None] = {}
        self._narrow: dict[Interest, dict[Receiver, None]] = {}
        self._watch: Watch | None = None
        self.told = 0
        """How many events have gone to watchers, of all that ever were; counted by those who send them."""

    def __len__(self) -> int:
        return len(self._interests)

    @property
    def watchers(self) -> int:
        """How many follow on behalf of a client."""
        return sum(isinstance(receiver, Ending) for receiver in self._interests)

    @property
    def audience(self) -> int:
        """How many hear of every change."""
        return len(self._broad)

    def attach(self, receiver: Receiver, interest: Interest | None = None) -> None:
        """Hand it every change from now on, or at least those that its interest covers."""
        self._interests[receiver] = interest
        group = self._broad if interest is None else self._narrow.setdefault(interest, {})
        group[receiver] = None
        if self._watch is None:
            self._watch = self._store.watch(self._prefix, after=self._store.revision, deliver=self._deliver)

    def detach(self, receiver: Receiver) -> None:
        """Nothing more for it. May be called twice."""
        if receiver not in self._interests:
            return
        interest = self._interests.pop(receiver)
        if interest is None:
            del self._broad[receiver]
        else:
            group = self._narrow[interest]
            del group[receiver]
            if not group:
                del self._narrow[interest]
        if not self._interests and self._watch is not None:
            self._watch.close()
            self._watch = None

    @property
    def behind(self) -> bool:
        """Whether receivers have not been told of something yet: never, they are told at once."""
        return False

    def end(self) -> None:
        """Whoever watches here has to begin anew: the resource is served differently from now on, or no longer."""
        for receiver in tuple(self._interests):
            if isinstance(receiver, Ending):
                receiver.end()

    def _deliver(self, events: Sequence[Event]) -> None:
        changes = [Change(event) for event in events]
        narrow = self._concerned(changes) if self._narrow else ()
        for receiver in tuple(self._broad):
            self._hand(receiver, changes)
        for receiver, some in narrow:
            self._hand(receiver, some)

    def _concerned(self, changes: Sequence[Change]) -> Sequence[tuple[Receiver, Sequence[Change]]]:
        """The receivers with an interest in some of the changes, and which."""
        found: dict[Receiver, list[Change]] = {}
        for change in changes:
            for interest in interests_of(change):
                for receiver in self._narrow.get(interest, ()):
                    found.setdefault(receiver, []).append(change)
        return tuple(found.items())

    def _hand(self, receiver: Receiver, changes: Sequence[Change]) -> None:
        try:
            receiver.deliver(changes)
        except Exception:  # noqa: BLE001  # see above: it must end here, and be seen
            _log.exception("a receiver of changes failed", prefix=self._prefix, receiver=type(receiver).__name__)


class Hubs:
    """A hub per prefix, made when first asked for."""

    __slots__ = ("_hubs", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hubs: dict[str, Hub] = {}

    def of(self, prefix: str) -> Hub:
        hub = self._hubs.get(prefix)
        if hub is None:
            hub = self._hubs[prefix] = Hub(self._store, prefix)
        return hub

    def audience(self, prefix: str) -> int:
        """How many are told of every change of a prefix."""
        hub = self._hubs.get(prefix)
        return 0 if hub is None else hub.audience

    def items(self) -> ItemsView[str, Hub]:
        """The hubs by prefix."""
        return self._hubs.items()


def history(store: Store, prefix: str, after: int) -> list[Change]:
    """What has changed since a revision. Raises `Compacted`, `FutureRevision`."""
    events: list[Event] = []
    store.watch(prefix, after=after, deliver=events.extend).close()
    return [Change(event) for event in events]
