"""The default profile: every plugin, in upstream's order, and what its score weighs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wherry.client.client import Client
from wherry.scheduler.framework.framework import Framework
from wherry.scheduler.framework.plugin import Plugin
from wherry.scheduler.plugins.default_binder import DefaultBinder
from wherry.scheduler.plugins.default_preemption import DefaultPreemption
from wherry.scheduler.plugins.image_locality import ImageLocality
from wherry.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from wherry.scheduler.plugins.node_affinity import NodeAffinity
from wherry.scheduler.plugins.node_name import NodeName
from wherry.scheduler.plugins.node_ports import NodePorts
from wherry.scheduler.plugins.node_resources_balanced import NodeResourcesBalancedAllocation
from wherry.scheduler.plugins.node_resources_fit import NodeResourcesFit
from wherry.scheduler.plugins.node_unschedulable import NodeUnschedulable
from wherry.scheduler.plugins.pod_topology_spread import DefaultSelector, PodTopologySpread
from wherry.scheduler.plugins.priority_sort import PrioritySort
from wherry.scheduler.plugins.scheduling_gates import SchedulingGates
from wherry.scheduler.plugins.taint_toleration import TaintToleration

WEIGHTS: Mapping[str, int] = {
    "TaintToleration": 3,
    "NodeAffinity": 2,
    "PodTopologySpread": 2,
    "InterPodAffinity": 2,
}
"""All others weigh 1."""


def default_plugins(
    client: Client, default_selector: DefaultSelector, preemption: DefaultPreemption
) -> Sequence[Plugin]:
    return (
        SchedulingGates(),
        PrioritySort(),
        NodeUnschedulable(),
        NodeName(),
        TaintToleration(),
        NodeAffinity(),
        NodePorts(),
        NodeResourcesFit(),
        PodTopologySpread(default_selector),
        InterPodAffinity(),
        preemption,
        NodeResourcesBalancedAllocation(),
        ImageLocality(),
        DefaultBinder(client),
    )


def default_framework(client: Client, default_selector: DefaultSelector, preemption: DefaultPreemption) -> Framework:
    return Framework(default_plugins(client, default_selector, preemption), weights=WEIGHTS)
