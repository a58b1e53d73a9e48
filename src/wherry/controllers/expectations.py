"""What a controller has asked for and its informer has not shown yet.

Between creating a pod and seeing it in the informer, a controller must not count again, or it makes pods twice. So it
notes what it expects; it acts again when all of that was seen, or after five minutes, when something went wrong.
Source: k8s.io/kubernetes pkg/controller/controller_utils.go.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from wherry.base.clock import Clock
from wherry.client.informer import Key

TIMEOUT_SECONDS = 300.0


@dataclass(slots=True)
class _Expected:
    since: float
    creations: int = 0
    deletions: set[str] = field(default_factory=set)


class Expectations:
    """Creations counted, deletions by uid, per key of the owner."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._expected: dict[Key, _Expected] = {}

    def expect_creations(self, key: Key, count: int) -> None:
        self._expected[key] = _Expected(self._clock.monotonic(), creations=count)

    def expect_deletions(self, key: Key, uids: Collection[str]) -> None:
        self._expected[key] = _Expected(self._clock.monotonic(), deletions=set(uids))

    def expect(self, key: Key, creations: int, deletions: Collection[str]) -> None:
        """Both at once, for controllers that create and delete in one go."""
        self._expected[key] = _Expected(self._clock.monotonic(), creations, set(deletions))

    def creation_seen(self, key: Key, count: int = 1) -> None:
        """A creation was seen, or will never be (it failed)."""
        if (expected := self._expected.get(key)) is not None:
            expected.creations -= count

    def deletion_seen(self, key: Key, uid: str) -> None:
        """A deletion (or its start) was seen, or failed. The same one may be told more than once."""
        if (expected := self._expected.get(key)) is not None:
            expected.deletions.discard(uid)

    def satisfied(self, key: Key) -> bool:
        """Whether the controller may act on what its informer shows."""
        expected = self._expected.get(key)
        if expected is None or (expected.creations <= 0 and not expected.deletions):
            return True
        return self._clock.monotonic() - expected.since > TIMEOUT_SECONDS

    def forget(self, key: Key) -> None:
        """The owner is gone."""
        self._expected.pop(key, None)
