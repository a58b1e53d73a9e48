"""From a changed pod to the services that select it."""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.types import Object
from wherry.client.informer import Informer, Key, key_of
from wherry.controllers.endpoints.addresses import has_selector, relevant_change

_INDEX = "selector's first term"


class ServicesOfPods:
    """Listens to pods, and tells the key of each service whose endpoints a change may concern."""

    def __init__(self, services: Informer, pods: Informer, tell: Callable[[Key], None]) -> None:
        self._services = services
        self._tell = tell
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
                    self._tell(key_of(service))


def _first_term(service: Object) -> tuple[str, ...]:
    """Index function: one term of the selector, which every pod that it selects must have as a label."""
    if not has_selector(service):
        return ()
    name, value = next(iter(service["spec"]["selector"].items()))
    return (f"{service['metadata']['namespace']}/{name}={value}",)
