"""The vector forms of plugins that look at one node at a time, by the plugin's class.

A plugin that is not listed is asked by its plain form, node by node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wherry.scheduler.framework.node_selection import preferred_terms
from wherry.scheduler.framework.plugin import Cluster, Filtering, Plugin
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status
from wherry.scheduler.plugins import node_affinity, node_name, node_unschedulable, taint_toleration
from wherry.scheduler.plugins.image_locality import ImageLocality, pod_images
from wherry.scheduler.plugins.node_affinity import NodeAffinity
from wherry.scheduler.plugins.node_name import NodeName
from wherry.scheduler.plugins.node_ports import NodePorts
from wherry.scheduler.plugins.node_resources_balanced import NodeResourcesBalancedAllocation
from wherry.scheduler.plugins.node_resources_fit import FitCheck, NodeResourcesFit
from wherry.scheduler.plugins.node_unschedulable import NodeUnschedulable
from wherry.scheduler.plugins.taint_toleration import TaintToleration
from wherry.scheduler.vectors import selection
from wherry.scheduler.vectors.resources import balance_score, strategy_score, without_room
from wherry.scheduler.vectors.table import Mask, NodeTable, Numbers

Rejections = list[tuple[Mask, Status]]
"""Rows that are ruled out, and why; the first entry that has a row counts."""


def _cordons(plugin: Any, check: Filtering, pod: PodInfo, table: NodeTable) -> Rejections:
    return [(selection.cordoned(table), node_unschedulable.REJECTED)]


def _name(plugin: Any, check: Filtering, pod: PodInfo, table: NodeTable) -> Rejections:
    other = np.ones(table.size, np.bool_)
    row = table.row(pod.spec.get("nodeName") or "")
    if row is not None:
        other[row] = False
    return [(other, node_name.REJECTED)]


def _taints(plugin: Any, check: Filtering, pod: PodInfo, table: NodeTable) -> Rejections:
    return [(~selection.tolerated(pod.spec.get("tolerations") or (), table), taint_toleration.REJECTED)]


def _affinity(plugin: NodeAffinity, check: Filtering, pod: PodInfo, table: NodeTable) -> Rejections:
    found: Rejections = []
    for spec, status in ((plugin.added, node_affinity.ENFORCED), (pod.spec, node_affinity.REJECTED)):
        allowed = selection.selected(spec, table)
        if allowed is not None:
            found.append((~allowed, status))
    return found


def _ports(plugin: Any, check: Filtering, pod: PodInfo, table: NodeTable) -> Rejections:
    """Few nodes have ports taken at all: those are asked one by one."""
    taken = table.number("ports", lambda info: len(info.ports)) > 0
    rejected, status = np.zeros(table.size, np.bool_), None
    for row in np.flatnonzero(taken):
        info = table.infos[row]
        if info is not None and (found := check.filter(info)) is not None:
            rejected[row], status = True, found
    return [(rejected, status)] if status is not None else []


def _room(plugin: Any, check: FitCheck, pod: PodInfo, table: NodeTable) -> Rejections:
    return without_room(check, table)


FILTERS: Mapping[type[Plugin], Callable[[Any, Any, PodInfo, NodeTable], Rejections]] = {
    NodeUnschedulable: _cordons,
    NodeName: _name,
    TaintToleration: _taints,
    NodeAffinity: _affinity,
    NodePorts: _ports,
    NodeResourcesFit: _room,
}


def _strategy(plugin: NodeResourcesFit, pod: PodInfo, cluster: Cluster, table: NodeTable) -> Numbers:
    return strategy_score(plugin.strategy, pod, table)


def _balance(plugin: NodeResourcesBalancedAllocation, pod: PodInfo, cluster: Cluster, table: NodeTable) -> Numbers:
    return balance_score(plugin.wanted(pod), table)


def _images(plugin: ImageLocality, pod: PodInfo, cluster: Cluster, table: NodeTable) -> Numbers:
    """Only nodes that have one of the images are looked at."""
    test, score = plugin.node_score(pod, cluster), np.zeros(table.size, np.int64)
    for row, info in table.present():
        if test is not None and any(image in info.images for image in pod_images(pod)):
            score[row] = test(info)
    return score


def _preferences(plugin: NodeAffinity, pod: PodInfo, cluster: Cluster, table: NodeTable) -> Numbers:
    score = np.zeros(table.size, np.int64)
    for spec in (pod.spec, plugin.added):
        for weight, term in preferred_terms(spec):
            score += np.where(selection.term(term, table), weight, 0)
    return score


def _soft_taints(plugin: Any, pod: PodInfo, cluster: Cluster, table: NodeTable) -> Numbers:
    tolerations = taint_toleration.soft_tolerations(pod)
    return selection.soft_taints(lambda taints: taint_toleration.count_untolerated(taints, tolerations), table)


SCORES: Mapping[type[Plugin], Callable[[Any, PodInfo, Cluster, NodeTable], Numbers]] = {
    NodeResourcesFit: _strategy,
    NodeResourcesBalancedAllocation: _balance,
    ImageLocality: _images,
    NodeAffinity: _preferences,
    TaintToleration: _soft_taints,
}
