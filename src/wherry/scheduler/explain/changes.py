"""Single changes that could place a pod. Each says what it is in words, and does it to copies of objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wherry.api.types import Object
from wherry.machinery.quantity import canonical
from wherry.scheduler.framework.affinity_terms import REQUIRED
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.requests import amount, pod_requests

Edit = Callable[[Object], Object]
"""From an object to a changed copy."""


@dataclass(frozen=True, slots=True)
class Change:
    """`size` orders changes by how much they ask for: the smaller the better."""

    text: str
    size: float
    pod: Edit | None = None
    node: Edit | None = None
    gone: tuple[PodInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes that together place the pod on the node. `tried`: the plugins have agreed."""

    node: str
    changes: tuple[Change, ...] = field(default=())

    def size(self) -> tuple[int, float]:
        return len(self.changes), sum(change.size for change in self.changes)


def quantity(name: str, number: int) -> str:
    """An amount as people write it: CPU in thousandths, memory in Mi where it comes out even."""
    if name == "cpu":
        return canonical(f"{number}m")
    for suffix, unit in (("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)):
        if number and number % unit == 0:
            return f"{number // unit}{suffix}"
    return str(number)


def rounded_down(name: str, number: int) -> int:
    """To whole mebibytes, which is exact enough and can be read."""
    unit = 1 << 20
    return number // unit * unit if name in ("memory", "ephemeral-storage") and number > unit else number


def lower_request(pod: PodInfo, name: str, to: int) -> Change:
    """What is too much is taken from the containers that ask for the most."""
    before = pod.requests[name]
    text = f"lower the pod's {name} request from {quantity(name, before)} to {quantity(name, to)}"

    def edit(obj: Object) -> Object:
        spec = dict(obj["spec"])
        spec["containers"] = _lowered(spec["containers"], name, before - to)
        changed = {**obj, "spec": spec}
        rest = pod_requests(changed).get(name, 0) - to
        if rest > 0 and spec.get("initContainers"):
            spec["initContainers"] = [_capped(each, name, to) for each in spec["initContainers"]]
        return changed

    return Change(text, 1 - to / before, pod=edit)


def _lowered(containers: Sequence[Object], name: str, by: int) -> list[Object]:
    found = list(containers)
    order = sorted(range(len(found)), key=lambda i: -_asked(found[i], name))
    for i in order:
        has = _asked(found[i], name)
        taken = min(has, by)
        if taken:
            found[i] = _with_request(found[i], name, has - taken)
            by -= taken
    return found


def _capped(container: Object, name: str, most: int) -> Object:
    return _with_request(container, name, most) if _asked(container, name) > most else container


def _asked(container: Object, name: str) -> int:
    asked = ((container.get("resources") or {}).get("requests") or {}).get(name)
    return amount(name, asked) if asked is not None else 0


def _with_request(container: Object, name: str, number: int) -> Object:
    resources = container.get("resources") or {}
    requests = {**(resources.get("requests") or {}), name: f"{number}m" if name == "cpu" else str(number)}
    return {**container, "resources": {**resources, "requests": requests}}


def tolerate(taint: Mapping[str, Any]) -> Change:
    value = f"={taint['value']}" if taint.get("value") else ""
    toleration = {key: taint[key] for key in ("key", "value", "effect") if taint.get(key)}
    if not taint.get("value"):
        toleration["operator"] = "Exists"

    def edit(obj: Object) -> Object:
        spec = obj["spec"]
        return {**obj, "spec": {**spec, "tolerations": [*(spec.get("tolerations") or ()), toleration]}}

    return Change(f"let the pod tolerate the taint {taint['key']}{value}:{taint['effect']}", 0.3, pod=edit)


def uncordon(name: str) -> Change:
    def edit(node: Object) -> Object:
        spec = {key: value for key, value in (node.get("spec") or {}).items() if key != "unschedulable"}
        taints = [each for each in spec.get("taints") or () if each.get("key") != "node.kubernetes.io/unschedulable"]
        return {**node, "spec": {**spec, "taints": taints}}

    return Change(f"uncordon node {name}", 0.2, node=edit)


def label(name: str, labels: Mapping[str, str | None]) -> Change:
    """None takes a label away."""
    words = " ".join(f"{key}={value}" if value is not None else f"{key}-" for key, value in labels.items())

    def edit(node: Object) -> Object:
        metadata = node["metadata"]
        merged = {**(metadata.get("labels") or {}), **labels}
        return {
            **node,
            "metadata": {**metadata, "labels": {key: value for key, value in merged.items() if value is not None}},
        }

    return Change(f"label node {name} with {words}", 0.4 * len(labels), node=edit)


def remove_pods(pods: Sequence[PodInfo]) -> Change:
    names = ", ".join(f"{pod.namespace}/{pod.name}" for pod in pods)
    what = "the pod" if len(pods) == 1 else f"{len(pods)} pods"
    return Change(f"remove {what} {names}", 0.8 * len(pods), gone=tuple(pods))


def raise_skew(key: str, old: int, new: int) -> Change:
    def edit(obj: Object) -> Object:
        spec = obj["spec"]
        found = [
            {**each, "maxSkew": new} if each["topologyKey"] == key and _is_hard(each) else each
            for each in spec["topologySpreadConstraints"]
        ]
        return {**obj, "spec": {**spec, "topologySpreadConstraints": found}}

    return Change(
        f"raise maxSkew of the pod's spread over {key} from {old} to {new}", 0.5 + (new - old) / 100, pod=edit
    )


def _is_hard(constraint: Mapping[str, Any]) -> bool:
    return bool(constraint.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule")


def drop_terms(side: str, words: str) -> Change:
    """Leave out all required terms of podAffinity or podAntiAffinity."""

    def edit(obj: Object) -> Object:
        affinity = obj["spec"]["affinity"]
        kept = {key: value for key, value in affinity[side].items() if key != REQUIRED}
        return {**obj, "spec": {**obj["spec"], "affinity": {**affinity, side: kept}}}

    return Change(f"take the pod's required {words} away", 0.9, pod=edit)
