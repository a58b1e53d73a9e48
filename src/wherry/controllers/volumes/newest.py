"""An informer's objects, and what this controller has written and the informer has not told yet.

Without it, a controller that binds one claim after another would take a volume twice.
"""

from __future__ import annotations

from wherry.api.types import Object
from wherry.client.informer import Informer, Key, key_of


class Newest:
    """Reads like the informer. `put` takes what the server answered to a write."""

    def __init__(self, informer: Informer) -> None:
        self._informer = informer
        self._written: dict[Key, Object] = {}

    def get(self, namespace: str, name: str) -> Object | None:
        return self._newer((namespace, name), self._informer.get(namespace, name))

    def items(self) -> list[Object]:
        if not self._written:
            return self._informer.items()
        found = ((key_of(obj), obj) for obj in self._informer.items())
        return [obj for key, told in found if (obj := self._newer(key, told)) is not None]

    def put(self, obj: Object) -> None:
        self._written[key_of(obj)] = obj

    def _newer(self, key: Key, told: Object | None) -> Object | None:
        written = self._written.get(key)
        if written is None:
            return told
        if told is None or _revision(told) >= _revision(written):
            # Told again, or gone meanwhile: nothing is written here before the informer has told of it.
            del self._written[key]
            return told
        return written


def _revision(obj: Object) -> int:
    return int(obj["metadata"]["resourceVersion"])
