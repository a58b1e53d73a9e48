"""Which watchers a change concerns.

Watchers of one prefix form a group. A key's groups are looked up by its own segments (`/a/`, `/a/b/`, ...), and the
answer is kept per parent folder, so an event costs one dictionary look-up however many prefixes are watched. All
watchers of a group are handed the same list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wherry.store.port import Event

Deliver = Callable[[Sequence[Event]], None]

_ROUTES = 20_000
"""How many folders' answers are kept, before all are forgotten."""


class Subscription:
    """One running watch; see `Watch`."""

    __slots__ = ("_fanout", "deliver", "prefix")

    def __init__(self, fanout: Fanout, prefix: str, deliver: Deliver) -> None:
        self._fanout: Fanout | None = fanout
        self.prefix = prefix
        self.deliver = deliver

    @property
    def closed(self) -> bool:
        return self._fanout is None

    def close(self) -> None:
        """Nothing is delivered after this returns. May be called twice."""
        if self._fanout is not None:
            self._fanout.remove(self)
            self._fanout = None


_Group = dict[Subscription, None]
_Route = tuple[tuple[str, _Group], ...]


class Fanout:
    """The watchers of a store."""

    __slots__ = ("_folders", "_odd", "_odd_lengths", "_routes")

    def __init__(self) -> None:
        self._folders: dict[str, _Group] = {}
        self._odd: dict[str, _Group] = {}
        self._odd_lengths: tuple[int, ...] = ()
        self._routes: dict[str, _Route] = {}

    def add(self, prefix: str, deliver: Deliver) -> Subscription:
        """Deliver from now on what changes under a prefix."""
        subscription = Subscription(self, prefix, deliver)
        groups = self._groups(prefix)
        if prefix not in groups:
            groups[prefix] = {}
            self._forget_routes()
        groups[prefix][subscription] = None
        return subscription

    def remove(self, subscription: Subscription) -> None:
        """Forget a watcher."""
        groups = self._groups(subscription.prefix)
        group = groups[subscription.prefix]
        del group[subscription]
        if not group:
            del groups[subscription.prefix]
            self._forget_routes()

    def close(self) -> None:
        """Close every watch."""
        for groups in (self._folders, self._odd):
            for group in list(groups.values()):
                for subscription in list(group):
                    subscription.close()

    def publish(self, events: Sequence[Event]) -> None:
        """Hand a batch to everybody whom it concerns, each watcher once.

        Who gets what is settled before the first delivery: a watch that a delivery opens has replayed the batch already.
        """
        if not self._folders and not self._odd:
            return
        batches: dict[str, list[Event]] = {}
        concerned: list[tuple[list[Subscription], list[Event]]] = []
        for event in events:
            for prefix, group in self._route(event.entry.key):
                batch = batches.get(prefix)
                if batch is None:
                    batch = batches[prefix] = []
                    concerned.append((list(group), batch))
                batch.append(event)
        for subscriptions, batch in concerned:
            for subscription in subscriptions:
                if not subscription.closed:
                    subscription.deliver(batch)

    def _groups(self, prefix: str) -> dict[str, _Group]:
        return self._folders if prefix.endswith("/") else self._odd

    def _forget_routes(self) -> None:
        self._routes.clear()
        self._odd_lengths = tuple({len(prefix) for prefix in self._odd})

    def _route(self, key: str) -> _Route:
        """The groups that a key belongs to."""
        folder = key[: key.rfind("/") + 1]
        route = self._routes.get(folder)
        if route is None:
            route = self._find_folders(folder)
            if len(self._routes) >= _ROUTES:
                self._routes.clear()
            self._routes[folder] = route
        return route + self._find_odd(key) if self._odd_lengths else route

    def _find_folders(self, folder: str) -> _Route:
        ends = [position + 1 for position, letter in enumerate(folder) if letter == "/"]
        prefixes = (folder[:end] for end in ends)
        return tuple((prefix, self._folders[prefix]) for prefix in prefixes if prefix in self._folders)

    def _find_odd(self, key: str) -> _Route:
        """Prefixes that end within a name, or name one key: looked up by their lengths."""
        prefixes = (key[:length] for length in self._odd_lengths if length <= len(key))
        return tuple((prefix, self._odd[prefix]) for prefix in prefixes if prefix in self._odd)
