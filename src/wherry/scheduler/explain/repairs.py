"""Per rule that a node breaks, the change that would satisfy it there. An empty answer: nothing simple would."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wherry.scheduler.explain.changes import (
    Change,
    drop_terms,
    label,
    lower_request,
    raise_skew,
    remove_pods,
    rounded_down,
    tolerate,
    uncordon,
)
from wherry.scheduler.explain.world import World
from wherry.scheduler.framework import node_selection
from wherry.scheduler.framework.affinity_terms import REQUIRED
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.spread_constraint import HARD, own_constraints
from wherry.scheduler.framework.status import Status
from wherry.scheduler.framework.tolerations import tolerated
from wherry.scheduler.plugins.inter_pod_affinity import NOT_NEAR, TOO_NEAR
from wherry.scheduler.plugins.node_resources_fit import TOO_MANY

Alternatives = list[tuple[Change, ...]]
"""Ways to satisfy a rule; each is changes that belong together."""

MOST_SKEW = 100


def repairs(pod: PodInfo, node: NodeInfo, status: Status, world: World) -> Alternatives:
    make = _REPAIRS.get(status.plugin)
    return make(pod, node, status, world) if make is not None else []


def _room(pod: PodInfo, node: NodeInfo, status: Status, world: World) -> Alternatives:
    free = {name: node.allocatable.get(name, 0) - node.requested.get(name, 0) for name in pod.requests}
    lacking = [name for name, wanted in pod.requests.items() if wanted > free[name]]
    found: Alternatives = []
    if TOO_MANY not in status.reasons and all(rounded_down(name, free[name]) > 0 for name in lacking):
        found.append(tuple(lower_request(pod, name, rounded_down(name, free[name])) for name in lacking))
    possible = all(wanted <= node.allocatable.get(name, 0) for name, wanted in pod.requests.items())
    if possible and (victims := _fewest_victims(pod, node, free)):
        found.append((remove_pods(victims),))
    return found


def _fewest_victims(pod: PodInfo, node: NodeInfo, free: Mapping[str, int]) -> list[PodInfo]:
    """Pods no more important, those that give the most of what is lacking first."""
    room = node.pod_limit - len(node.pods)
    lacking = {name: pod.requests[name] - has for name, has in free.items() if pod.requests[name] > has}
    found: list[PodInfo] = []
    others = [each for each in node.pods.values() if each.priority <= pod.priority]
    while (lacking or room < 1) and others:
        best = max(others, key=lambda each: sum(min(each.requests.get(n, 0), x) / x for n, x in lacking.items()))
        others.remove(best)
        found.append(best)
        room += 1
        lacking = {n: x - best.requests.get(n, 0) for n, x in lacking.items() if x > best.requests.get(n, 0)}
    return [] if lacking or room < 1 else found


def _taints(pod: PodInfo, node: NodeInfo, status: Status, world: World) -> Alternatives:
    tolerations = pod.spec.get("tolerations") or ()
    return [tuple(tolerate(taint) for taint in node.hard_taints if not tolerated(taint, tolerations))]


def _cordon(pod: PodInfo, node: NodeInfo, status: Status, world: World) -> Alternatives:
    return [(uncordon(node.name),)]


def _labels(pod: PodInfo, node: NodeInfo, status: Status, world: World) -> Alternatives:
    """The labels that the node lacks for the selector, and for one of the terms."""
    wanted: dict[str, str | None] = {
        key: value for key, value in (pod.spec.get("nodeSelector") or {}).items() if node.labels.get(key) != value
    }
    required = node_selection.node_affinity(pod.spec).get(REQUIRED)
    terms: Sequence[Mapping[str, Any]] = (required.get("nodeSelectorTerms") or ()) if required is not None else ({},)
    found: Alternatives = []
    for term in terms:
        labels = _for_term(term, node)
        if labels is not None and (both := {**labels, **wanted}):
            found.append((label(node.name, both),))
    return found


def _for_term(term: Mapping[str, Any], node: NodeInfo) -> dict[str, str | None] | None:
    """None where labels cannot satisfy the term."""
    if term.get("matchFields"):
        return None
    labels: dict[str, str | None] = {}
    for expression in term.get("matchExpressions") or ():
        if node_selection.label_test(expression)(node.labels):
            continue
        operator, values = expression["operator"], expression.get("values") or []
        if operator == "In":
            labels[expression["key"]] = values[0]
        elif operator == "Exists":
            labels[expression["key"]] = "true"
        elif operator in ("NotIn", "DoesNotExist"):
            labels[expression["key"]] = None
        else:
            return None
    return labels


def _ports(pod: PodInfo, node: NodeInfo, status: Status, world: World) -> Alternatives:
    wanted = {(protocol, port) for _, protocol, port in pod.ports}
    holders = [
        each for each in node.pods.values() if any((protocol, port) in wanted for _, protocol, port in each.ports)
    ]
    return [(remove_pods(holders),)] if holders else []


def _spread(pod: PodInfo, node: NodeInfo, status: Status, world: World) -> Alternatives:
    """The smallest skew that would do, constraint by constraint; a missing topology is a label."""
    changes: list[Change] = []
    for constraint in own_constraints(pod, HARD):
        key = constraint.topology_key
        if key not in node.labels:
            changes.append(label(node.name, {key: "VALUE"}))
            continue
        needed = _needed_skew(pod, node, key, constraint.max_skew, world)
        if needed is None:
            return []
        if needed > constraint.max_skew:
            changes.append(raise_skew(key, constraint.max_skew, needed))
    return [tuple(changes)]


def _needed_skew(pod: PodInfo, node: NodeInfo, key: str, from_: int, world: World) -> int | None:
    """Asked of the plugin itself, with this constraint alone."""
    specs = [each for each in pod.spec["topologySpreadConstraints"] if each["topologyKey"] == key]
    plugin = world.spread
    for skew in range(from_, MOST_SKEW + 1):
        tried = [{**each, "maxSkew": skew} for each in specs]
        other = PodInfo({**pod.obj, "spec": {**pod.spec, "topologySpreadConstraints": tried}})
        check = plugin.pre_filter(other, world.cache)
        if check is None or check.filter(node) is None:
            return skew
    return None


def _company(pod: PodInfo, node: NodeInfo, status: Status, world: World) -> Alternatives:
    if status is NOT_NEAR:
        return [(drop_terms("podAffinity", "pod affinity"),)]
    if status is TOO_NEAR:
        return [(drop_terms("podAntiAffinity", "pod anti-affinity"),)]
    return []


_REPAIRS: Mapping[str, Callable[[PodInfo, NodeInfo, Status, World], Alternatives]] = {
    "NodeResourcesFit": _room,
    "TaintToleration": _taints,
    "NodeUnschedulable": _cordon,
    "NodeAffinity": _labels,
    "NodePorts": _ports,
    "PodTopologySpread": _spread,
    "InterPodAffinity": _company,
}
