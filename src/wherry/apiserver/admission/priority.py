"""Priority: the class that a pod names becomes a number.

Source: plugin/pkg/admission/priority/admission.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.watching.frames import Change
from wherry.apiserver.watching.hub import Hubs
from wherry.store.port import Store

_CLASSES = storage_prefix("scheduling.k8s.io", "priorityclasses")
_PREEMPT = "PreemptLowerPriority"


def on_create(attributes: Attributes) -> None:
    pod = attributes.obj
    if pod is None:
        return
    spec: Object = pod["spec"]
    name = spec.get("priorityClassName") or ""
    found = _class(attributes, name) if name else _default(attributes)
    value, policy = 0, _PREEMPT
    if found is not None:
        value, policy = found.get("value") or 0, found.get("preemptionPolicy") or _PREEMPT
        spec["priorityClassName"] = found["metadata"]["name"]
    _check(attributes, spec.get("priority"), value)
    spec["priority"] = value
    if not spec.get("preemptionPolicy"):
        spec["preemptionPolicy"] = policy
    elif spec["preemptionPolicy"] != policy:
        raise attributes.forbid(
            f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod spec;"
            f" priority admission controller computed {policy} from the given PriorityClass name"
        )


def _check(attributes: Attributes, given: int | None, computed: int) -> None:
    if given is not None and given != computed:
        raise attributes.forbid(
            f"the integer value of priority ({given}) must not be provided in pod spec;"
            f" priority admission controller computed {computed} from the given PriorityClass name"
        )


def _class(attributes: Attributes, name: str) -> Object:
    entry = attributes.parts.store.get(_CLASSES + name)
    if entry is None:
        raise attributes.forbid(f"no PriorityClass with name {name} was found")
    return decoded(entry)


def _default(attributes: Attributes) -> Object | None:
    """The class for pods that name none; of several the one with the lowest value."""
    return attributes.parts.priority_default.find()


class PriorityDefault:
    """The class with `globalDefault`, looked up again only after a change of some class."""

    def __init__(self, store: Store, hubs: Hubs) -> None:
        self._store = store
        self._known = False
        self._found: Object | None = None
        hubs.of(_CLASSES).attach(self)

    def deliver(self, changes: Sequence[Change]) -> None:
        self._known = False

    def find(self) -> Object | None:
        if not self._known:
            entries = self._store.range(_CLASSES).entries
            found = [obj for entry in entries if (obj := decoded(entry)).get("globalDefault")]
            self._found = min(found, key=lambda each: int(each.get("value") or 0)) if found else None
            self._known = True
        return self._found
