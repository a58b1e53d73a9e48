"""From a changed pod to the services that select it."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.api.types import Object
from wherry.client.informer import Informer, Key, key_of
from wherry.client.workqueue import WorkQueue
from wherry.controllers.damping import pause
from wherry.controllers.endpoints.addresses import has_selector, relevant_change

_INDEX = "selector's first term"


class ServicesOfPods:
    """Listens to pods, and queues the key of each service whose endpoints a change may concern.

    `sizes` are the pods that services had last, as far as they are known: large ones gather some changes first.
    """

    def __init__(self, services: Informer, pods: Informer, queue: WorkQueue[Key], sizes: Mapping[Key, int]) -> None:
        self._services = services
        self._queue = queue
        self._sizes = sizes
        services.add_index(_INDEX, _first_term)
        pods.add_handler(self._changed, self._updated, self._changed)

    def _updated(self, old: Object, new: Object) -> None:
        if not relevant_change(old, new):
            return
        self._changed(new)
        if old["metadata"].get("labels") != new["metadata"].get("labels"):
            self._changed(old)

    def _changed(self, pod: Object) -> None:
        metadata = pod["metadata"]
        labels = (metadata.get("labels") or {}).items()
        for name, value in labels:
            for service in self._services.by_index(_INDEX, f"{metadata['namespace']}/{name}={value}"):
                if service["spec"]["selector"].items() <= labels:
                    key = key_of(service)
                    self._queue.add_after(key, pause(self._sizes.get(key, 0)))


def _first_term(service: Object) -> tuple[str, ...]:
    """Index function: one term of the selector, which every pod that it selects must have as a label."""
    if not has_selector(service):
        return ()
    name, value = next(iter(service["spec"]["selector"].items()))
    return (f"{service['metadata']['namespace']}/{name}={value}",)
