"""The pods that belong with a pod, as far as services and owners tell: for spreading by default.

All services that select the pod, and the controller that made it, together. Source: plugins/helper/spread.go.
"""

from __future__ import annotations

from collections.abc import Mapping

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


class Companions:
    """Looks them up in informers; `needs` are those that must have their first list."""

    def __init__(self, informers: SharedInformers) -> None:
        self._services = informers.informer("services")
        self._owners: Mapping[str, Informer] = {kind: informers.informer(name) for kind, name in _OWNERS.items()}
        self.needs = (self._services, *self._owners.values())

    def selector(self, pod: PodInfo) -> Selector | None:
        """None for a pod that stands alone."""
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
        references = pod.obj["metadata"].get("ownerReferences") or ()
        reference = next((each for each in references if each.get("controller")), None)
        informer = self._owners.get(reference["kind"]) if reference is not None else None
        return informer.get(pod.namespace, reference["name"]) if informer is not None and reference else None

    def _add_owner(self, owner: Object, exact: dict[str, str], expressions: list[Object]) -> None:
        selector = owner["spec"].get("selector") or {}
        if owner.get("kind") == "ReplicationController":
            exact.update(selector)
        else:
            exact.update(selector.get("matchLabels") or {})
            expressions.extend(selector.get("matchExpressions") or ())
