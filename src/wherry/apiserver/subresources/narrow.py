"""Subresources that change one part of an object: `approval` of certificate requests, `ephemeralcontainers`, `resize`.

Source: pkg/registry/certificates/certificates/strategy.go, pkg/registry/core/pod/strategy.go.
"""

from __future__ import annotations

from wherry.api.semantic import same
from wherry.api.types import Object
from wherry.apiserver.call import Call
from wherry.apiserver.objects import stamp
from wherry.apiserver.subresources.change import only, patcher, updater
from wherry.apiserver.verbs import get


def _approval(call: Call, new: Object, old: Object) -> None:
    only(new, old, "status", "conditions")
    now = stamp(call.parts.clock.now())
    conditions = (new.get("status") or {}).get("conditions") or []
    before = {each.get("type"): each for each in (old.get("status") or {}).get("conditions") or ()}
    for condition in conditions:
        known = before.get(condition.get("type"))
        condition.setdefault("lastUpdateTime", now)
        condition.setdefault("lastTransitionTime", known.get("lastTransitionTime", now) if known else now)


def _ephemeral_containers(call: Call, new: Object, old: Object) -> None:
    """They are only added (validation says so), with the generation."""
    only(new, old, "spec", "ephemeralContainers")
    if not same(new["spec"].get("ephemeralContainers") or [], old["spec"].get("ephemeralContainers") or []):
        _count(new)


def _resize(call: Call, new: Object, old: Object) -> None:
    """Only the resources of containers change, with the generation."""
    wanted = {name: _resources(new, name) for name in ("containers", "initContainers")}
    only(new, old, "spec", "resources")
    spec = dict(new["spec"])
    changed = spec.get("resources") != old["spec"].get("resources")
    for name, resources in wanted.items():
        if name in spec:
            spec[name] = [_with_resources(each, resources.get(each.get("name"))) for each in spec[name]]
            changed = changed or spec[name] != old["spec"][name]
    new["spec"] = spec
    if changed:
        _count(new)


def _count(pod: Object) -> None:
    pod["metadata"]["generation"] = pod["metadata"].get("generation", 0) + 1


def _resources(pod: Object, name: str) -> dict[str | None, object]:
    return {each.get("name"): each.get("resources") for each in pod["spec"].get(name) or ()}


def _with_resources(container: Object, resources: object) -> Object:
    return {**container, "resources": resources} if resources is not None else container


APPROVAL = {"get": get.handle, "update": updater(_approval), "patch": patcher(_approval)}
EPHEMERAL_CONTAINERS = {
    "get": get.handle,
    "update": updater(_ephemeral_containers),
    "patch": patcher(_ephemeral_containers),
}
RESIZE = {"get": get.handle, "update": updater(_resize), "patch": patcher(_resize)}
