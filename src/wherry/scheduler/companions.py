"""The pods that belong with a pod, as far as services and owners tell: for spreading by default.

All services that select the pod, and the controller that made it, together. Source: plugins/helper/spread.go.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from wherry.api.types import Object
from wherry.client.informer import Informer, SharedInformers
from wherry.machinery.selector_grammar import SelectorError
from wherry.machinery.selectors import Selector, from_object
from wherry.scheduler.framework.pod_info import PodInfo

_OWNERS = {
    "ReplicationController": "replicationcontrollers",
    "ReplicaSet": "replicasets.apps",
    "StatefulSet": "statefulsets.apps",
}


SELECTORS_KEPT = 4096


class Companions:
    """Looks them up in informers; `needs` are those that must have their first list."""

    def __init__(self, informers: SharedInformers) -> None:
        self._services = informers.informer("services")
        self._owners: Mapping[str, Informer] = {kind: informers.informer(name) for kind, name in _OWNERS.items()}
        self.needs = (self._services, *self._owners.values())
        self._known: dict[Hashable, Selector | None] = {}
        for informer in self.needs:
            informer.add_handler(self._forget, self._changed, self._forget)

    def selector(self, pod: PodInfo) -> Selector | None:
        """None for a pod that stands alone. Kept for pods with the same labels and owner, until a selector changes."""
        owner = _controller(pod)
        key = (pod.namespace, frozenset(pod.labels.items()), (owner["kind"], owner["name"]) if owner else None)
        if key not in self._known:
            if len(self._known) >= SELECTORS_KEPT:
                self._known.clear()
            self._known[key] = self._look_up(pod)
        return self._known[key]

    def _forget(self, obj: Object) -> None:
        self._known.clear()

    def _changed(self, old: Object, new: Object) -> None:
        """Most changes are of statuses."""
        if old["spec"].get("selector") != new["spec"].get("selector"):
            self._known.clear()

    def _look_up(self, pod: PodInfo) -> Selector | None:
        exact: dict[str, str] = {}
        for service in self._services.in_namespace(pod.namespace):
            wanted = service["spec"].get("selector")
            if wanted and all(pod.labels.get(key) == value for key, value in wanted.items()):
                exact.update(wanted)
        expressions: list[Object] = []
        if (owner := self._owner(pod)) is not None:
            self._add_owner(owner, exact, expressions)
        if not exact and not expressions:
            return None
        try:
            return from_object({"matchLabels": exact, "matchExpressions": expressions})
        except SelectorError:
            return None

    def _owner(self, pod: PodInfo) -> Object | None:
        reference = _controller(pod)
        informer = self._owners.get(reference["kind"]) if reference is not None else None
        return informer.get(pod.namespace, reference["name"]) if informer is not None and reference else None

    def _add_owner(self, owner: Object, exact: dict[str, str], expressions: list[Object]) -> None:
        selector = owner["spec"].get("selector") or {}
        if owner.get("kind") == "ReplicationController":
            exact.update(selector)
        else:
            exact.update(selector.get("matchLabels") or {})
            expressions.extend(selector.get("matchExpressions") or ())


def _controller(pod: PodInfo) -> Object | None:
    """The reference to what has made the pod."""
    references = pod.obj["metadata"].get("ownerReferences") or ()
    return next((each for each in references if each.get("controller")), None)
