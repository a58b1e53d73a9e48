"""Claims, volumes and classes of the cluster, as they will be once what was decided is written.

As pods, volumes are assumed: what one pod has been given, the next one sees taken, long before the API server has heard
of it. An assumption ends when it is taken back, or when the object itself changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from wherry.api.types import Object
from wherry.client.informer import Informer, Key, SharedInformers, key_of
from wherry.policy.volumes import facts


class Objects(Protocol):
    """What of an informer is needed here; a plain list will do where nothing changes."""

    def get(self, namespace: str, name: str) -> Object | None: ...

    def items(self) -> Sequence[Object]: ...


class Listed:
    """Objects that do not change."""

    def __init__(self, objects: Iterable[Object] = ()) -> None:
        self._objects = {key_of(obj): obj for obj in objects}

    def get(self, namespace: str, name: str) -> Object | None:
        return self._objects.get((namespace, name))

    def items(self) -> list[Object]:
        return list(self._objects.values())


class Assumed:
    """Objects, some of them as they will be."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._assumed: dict[Key, tuple[Object, str]] = {}
        """And the version that was changed."""

    def get(self, namespace: str, name: str) -> Object | None:
        return self._as_assumed((namespace, name), self._objects.get(namespace, name))

    def told(self, namespace: str, name: str) -> Object | None:
        """As the API server has it."""
        return self._objects.get(namespace, name)

    def items(self) -> Sequence[Object]:
        found = self._objects.items()
        if not self._assumed:
            return found
        return [each for obj in found if (each := self._as_assumed(key_of(obj), obj)) is not None]

    def assume(self, obj: Object) -> None:
        self._assumed[key_of(obj)] = (obj, obj["metadata"].get("resourceVersion", ""))

    def take_back(self, obj: Object) -> None:
        self._assumed.pop(key_of(obj), None)

    def _as_assumed(self, key: Key, told: Object | None) -> Object | None:
        if key not in self._assumed:
            return told
        assumed, version = self._assumed[key]
        if told is None or told["metadata"].get("resourceVersion", "") != version:
            del self._assumed[key]
            return told
        return assumed


class Storage:
    """All of it. `on_change` is called with the changes of claims and volumes."""

    def __init__(
        self,
        claims: Objects | None = None,
        volumes: Objects | None = None,
        classes: Objects | None = None,
        csi_nodes: Objects | None = None,
    ) -> None:
        self.claims = Assumed(claims or Listed())
        self.volumes = Assumed(volumes or Listed())
        self.csi_nodes = csi_nodes or Listed()
        self._classes = classes or Listed()
        self._informers = tuple(each for each in (claims, volumes) if isinstance(each, Informer))

    def class_of(self, claim: Object) -> Object | None:
        name = facts.class_of(claim)
        return self._classes.get("", name) if name else None

    def volume_of(self, claim: Object) -> Object | None:
        name = claim["spec"].get("volumeName")
        return self.volumes.get("", name) if name else None

    def listen(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Call back at every change of a claim or a volume; gives what ends that."""
        handlers = [
            (informer, informer.add_handler(None, lambda old, new: on_change(), lambda obj: on_change()))
            for informer in self._informers
        ]

        def stop() -> None:
            for informer, handler in handlers:
                informer.remove_handler(handler)

        return stop


CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"
CLASSES, CSI_NODES = "storageclasses.storage.k8s.io", "csinodes.storage.k8s.io"


def informed(informers: SharedInformers) -> tuple[Storage, tuple[Informer, ...]]:
    """The cluster's, and the informers that must have their first list."""
    claims, volumes = informers.informer(CLAIMS), informers.informer(VOLUMES)
    classes, csi_nodes = informers.informer(CLASSES), informers.informer(CSI_NODES)
    return Storage(claims, volumes, classes, csi_nodes), (claims, volumes, classes, csi_nodes)
