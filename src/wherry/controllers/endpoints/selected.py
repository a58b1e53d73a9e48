"""From a changed pod to the services that select it."""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.types import Object
from wherry.client.informer import Informer, Key, key_of
from wherry.controllers.endpoints.addresses import has_selector, relevant_change


class ServicesOfPods:
    """Listens to pods, and tells the key of each service whose endpoints a change may concern."""

    def __init__(self, services: Informer, pods: Informer, tell: Callable[[Key], None]) -> None:
        self._services = services
        self._tell = tell
        pods.add_handler(self._changed, self._updated, self._changed)

    def _updated(self, old: Object, new: Object) -> None:
        if not relevant_change(old, new):
            return
        self._changed(new)
        if old["metadata"].get("labels") != new["metadata"].get("labels"):
            self._changed(old)

    def _changed(self, pod: Object) -> None:
        labels = (pod["metadata"].get("labels") or {}).items()
        for service in self._services.in_namespace(pod["metadata"]["namespace"]):
            if has_selector(service) and service["spec"]["selector"].items() <= labels:
                self._tell(key_of(service))
