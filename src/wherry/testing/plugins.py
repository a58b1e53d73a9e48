"""Asking one scheduler plugin at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wherry.api.types import Object
from wherry.scheduler.cache import Cache
from wherry.scheduler.framework.plugin import Filter, Score
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status


def cluster_of(
    nodes: Iterable[Object], pods: Iterable[Object] = (), *, namespaces: Mapping[str, Mapping[str, str]] | None = None
) -> Cache:
    """Nodes and the pods on them; `namespaces` gives labels."""
    cache = Cache(namespace_labels=lambda name: (namespaces or {}).get(name, {}))
    for node in nodes:
        cache.set_node(node)
    for pod in pods:
        cache.set_pod(pod)
    return cache


def reasons(plugin: Filter, pod: Object, cluster: Cache) -> dict[str, str]:
    """What the plugin says of each node; empty where the pod fits."""
    filtering = plugin.pre_filter(PodInfo(pod), cluster)
    names = [node.name for node in cluster.nodes()]
    if filtering is None:
        return dict.fromkeys(names, "")
    if isinstance(filtering, Status):
        return dict.fromkeys(names, filtering.message)
    statuses = {node.name: filtering.filter(node) for node in cluster.nodes()}
    return {name: status.message if status is not None else "" for name, status in statuses.items()}


def fitting(plugin: Filter, pod: Object, cluster: Cache) -> list[str]:
    """The nodes on which the pod fits."""
    return sorted(name for name, reason in reasons(plugin, pod, cluster).items() if not reason)


def scores(plugin: Score, pod: Object, cluster: Cache) -> dict[str, int] | None:
    """Per node; None where the plugin has no opinion."""
    nodes = cluster.nodes()
    found = plugin.score(PodInfo(pod), cluster, nodes)
    return None if found is None else {node.name: score for node, score in zip(nodes, found, strict=True)}
