"""An explanation: what the rules say of every node, and the smallest changes that would place the pod.

For each node the changes that satisfy all its broken rules are put together, done to copies, and the plugins are asked
again: only what they agree to is shown. Of thousands of nodes that break the same rules a few are tried, those first
that lack the least.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product

from wherry.api.types import Object
from wherry.scheduler.explain.changes import Change, Plan, quantity
from wherry.scheduler.explain.repairs import repairs
from wherry.scheduler.explain.world import World
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status

NODES_TRIED = 12
"""Of each group of nodes that break the same rules."""
WAYS_TRIED = 8
NEW_NODE = "a-new-node"


@dataclass(frozen=True, slots=True)
class Ruling:
    """One reason, and the nodes that it rules out."""

    plugin: str
    reason: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """`fitting` are nodes where the pod fits now; else `plans` are ways to make it fit, the smallest first."""

    nodes: int
    rulings: tuple[Ruling, ...] = ()
    fitting: tuple[str, ...] = ()
    plans: tuple[Plan, ...] = ()
    new_node: str = ""
    """What a new node must have; empty where even that would not help."""


def explain(pod: Object, world: World) -> Explanation:
    info = PodInfo(pod)
    said = list(world.said(info))
    fitting = tuple(sorted(node.name for node, statuses in said if not statuses))
    plans = () if fitting else tuple(_smallest(_plans(info, said, world)))
    new_node = "" if fitting else _new_node(info, world)
    return Explanation(len(said), tuple(_rulings(said)), fitting, plans, new_node)


def _rulings(said: Sequence[tuple[NodeInfo, list[Status]]]) -> list[Ruling]:
    found: dict[tuple[str, str], list[str]] = {}
    for node, statuses in said:
        for status in statuses:
            for reason in status.reasons:
                found.setdefault((status.plugin, reason), []).append(node.name)
    rulings = [Ruling(plugin, reason, tuple(sorted(nodes))) for (plugin, reason), nodes in found.items()]
    return sorted(rulings, key=lambda ruling: (-len(ruling.nodes), ruling.reason))


def _plans(pod: PodInfo, said: Sequence[tuple[NodeInfo, list[Status]]], world: World) -> Iterator[Plan]:
    groups: dict[tuple[Status, ...], list[NodeInfo]] = {}
    for node, statuses in said:
        groups.setdefault(tuple(statuses), []).append(node)
    for broken, nodes in groups.items():
        for node in sorted(nodes, key=lambda each: _lack(pod, each))[:NODES_TRIED]:
            yield from _plans_for(pod, node, broken, world)


def _lack(pod: PodInfo, node: NodeInfo) -> float:
    """How much of its requests the pod misses on a node."""
    free = {name: node.allocatable.get(name, 0) - node.requested.get(name, 0) for name in pod.requests}
    return sum(max(0, wanted - free[name]) / wanted for name, wanted in pod.requests.items())


def _plans_for(pod: PodInfo, node: NodeInfo, statuses: Sequence[Status], world: World) -> Iterator[Plan]:
    ways = [repairs(pod, node, status, world) for status in statuses]
    for _, chosen in zip(range(WAYS_TRIED), product(*ways), strict=False):
        changes = tuple(change for way in chosen for change in way)
        if changes and places(pod, node, changes, world):
            yield Plan(node.name, changes)


def places(pod: PodInfo, node: NodeInfo, changes: Sequence[Change], world: World) -> bool:
    """Make the changes, ask the plugins, take the changes back."""
    changed, own = pod.obj, node.node
    for change in changes:
        changed = change.pod(changed) if change.pod is not None else changed
        own = change.node(own) if change.node is not None and own is not None else own
    with ExitStack() as stack:
        if own is not None and own is not node.node:
            stack.enter_context(world.with_node(own))
        stack.enter_context(world.without_pods([each for change in changes for each in change.gone]))
        return world.fits(PodInfo(changed), node.name)


def _smallest(plans: Iterator[Plan]) -> list[Plan]:
    """One plan for each set of kinds of change, the smallest first."""
    best: dict[tuple[str, ...], Plan] = {}
    for plan in plans:
        kind = tuple(sorted(_kind(change, plan.node) for change in plan.changes))
        if kind not in best or plan.size() < best[kind].size():
            best[kind] = plan
    return sorted(best.values(), key=Plan.size)


def _kind(change: Change, node: str) -> str:
    """Changes that differ only in numbers and names are of one kind."""
    return " ".join(change.text.replace(node, "NODE").split()[:4])


def _new_node(pod: PodInfo, world: World) -> str:
    """An empty node of just the size, with the labels that the pod asks for."""
    labels: dict[str, str] = {"kubernetes.io/hostname": NEW_NODE, **(pod.spec.get("nodeSelector") or {})}
    words = [f"{quantity(name, amount)} {name}" for name, amount in pod.requests.items()] or ["room for a pod"]
    status = _node_of(pod, labels)
    with world.with_node(status):
        info = world.cache.node(NEW_NODE)
        verdict = [] if info is None else next(said for node, said in world.said(pod) if node is info)
        for each in verdict:
            for way in repairs(pod, info, each, world) if info is not None else ():
                if len(way) == 1 and way[0].node is not None and "VALUE" not in way[0].text:
                    status = way[0].node(status)
                    break
    with world.with_node(status):
        if not world.fits(pod, NEW_NODE):
            return ""
    asked: Mapping[str, str] = {k: v for k, v in status["metadata"]["labels"].items() if k != "kubernetes.io/hostname"}
    named = f", labelled {', '.join(f'{key}={value}' for key, value in asked.items())}" if asked else ""
    return f"{', '.join(words)} free{named}"


def _node_of(pod: PodInfo, labels: Mapping[str, str]) -> Object:
    resources = {name: f"{n}m" if name == "cpu" else str(n) for name, n in pod.requests.items()} | {"pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NEW_NODE, "labels": dict(labels)},
        "spec": {},
        "status": {"allocatable": resources, "capacity": resources},
    }
