"""From a profile's configuration to the framework of its plugins.

A plugin takes part at a point if the profile has it there; a plugin is made once, with its arguments. Plugins that
are not built yet are known by name, so that files which mention them can be used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from wherry.api.types import Object
from wherry.client.client import Client
from wherry.scheduler.configuration.model import ExtenderConfig, ProfileConfig, SchedulerConfigError
from wherry.scheduler.configuration.plugin_args import DEFAULTS
from wherry.scheduler.configuration.plugin_sets import Named, at_point, merged
from wherry.scheduler.framework.framework import Framework
from wherry.scheduler.framework.plugin import (
    Bind,
    Filter,
    Permit,
    Plugin,
    PreBind,
    PreEnqueue,
    QueueSort,
    Reserve,
    Score,
)
from wherry.scheduler.framework.post_filter import PostFilter
from wherry.scheduler.plugins.default_binder import DefaultBinder
from wherry.scheduler.plugins.default_preemption import DefaultPreemption
from wherry.scheduler.plugins.dynamic_resources import DynamicResources
from wherry.scheduler.plugins.image_locality import ImageLocality
from wherry.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from wherry.scheduler.plugins.node_affinity import NodeAffinity
from wherry.scheduler.plugins.node_name import NodeName
from wherry.scheduler.plugins.node_ports import NodePorts
from wherry.scheduler.plugins.node_resources_balanced import NodeResourcesBalancedAllocation
from wherry.scheduler.plugins.node_resources_fit import NodeResourcesFit
from wherry.scheduler.plugins.node_unschedulable import NodeUnschedulable
from wherry.scheduler.plugins.node_volume_limits import NodeVolumeLimits
from wherry.scheduler.plugins.pod_topology_spread import DefaultSelector, PodTopologySpread
from wherry.scheduler.plugins.priority_sort import PrioritySort
from wherry.scheduler.plugins.resource_strategies import Strategy
from wherry.scheduler.plugins.scheduling_gates import SchedulingGates
from wherry.scheduler.plugins.taint_toleration import TaintToleration
from wherry.scheduler.plugins.volume_binding import VolumeBinding
from wherry.scheduler.plugins.volume_restrictions import VolumeRestrictions
from wherry.scheduler.plugins.volume_zone import VolumeZone
from wherry.scheduler.storage.devices import Devices
from wherry.scheduler.storage.view import Storage

PLUGINS: Mapping[str, type[Plugin]] = {
    plugin.name: plugin
    for plugin in (
        SchedulingGates,
        PrioritySort,
        NodeUnschedulable,
        NodeName,
        TaintToleration,
        NodeAffinity,
        NodePorts,
        NodeResourcesFit,
        VolumeRestrictions,
        NodeVolumeLimits,
        VolumeBinding,
        VolumeZone,
        PodTopologySpread,
        InterPodAffinity,
        DynamicResources,
        DefaultPreemption,
        NodeResourcesBalancedAllocation,
        ImageLocality,
        DefaultBinder,
    )
}
NOT_BUILT = ("NodeDeclaredFeatures",)

POINTS: Mapping[str, type[Plugin]] = {
    "preEnqueue": PreEnqueue,
    "queueSort": QueueSort,
    "filter": Filter,
    "postFilter": PostFilter,
    "score": Score,
    "reserve": Reserve,
    "permit": Permit,
    "preBind": PreBind,
    "bind": Bind,
}
"""The points that plugins have here. PreFilter belongs to Filter and PreScore to Score: their lists change nothing."""

_TITLES = {"preEnqueue": "PreEnqueue", "queueSort": "QueueSort", "postFilter": "PostFilter", "preBind": "PreBind"}


class Needs(NamedTuple):
    """What plugins need of the world around them."""

    client: Client
    default_selector: DefaultSelector
    preemption: Callable[[int, int], DefaultPreemption]
    """Makes the plugin from its least number of candidates, in per cent and absolute."""
    extenders: Sequence[ExtenderConfig]
    storage: Storage
    devices: Devices


def check_plugins(profile: ProfileConfig) -> None:
    """Raises `SchedulerConfigError` for plugins that are not there, or not at that point. The words are upstream's."""
    for point, given in profile.plugins.items():
        for entry in (given or {}).get("enabled") or ():
            _check_name(profile, point, entry.get("name") or "")
    if not plugins_at(profile, "queueSort"):
        raise SchedulerConfigError(f'creating profile "{profile.name}": no queue sort plugin is enabled')
    if not plugins_at(profile, "bind"):
        raise SchedulerConfigError(f'creating profile "{profile.name}": at least one bind plugin is needed')


def _check_name(profile: ProfileConfig, point: str, name: str) -> None:
    title = "MultiPoint" if point == "multiPoint" else _TITLES.get(point, point[:1].upper() + point[1:])
    start = f'creating profile "{profile.name}": initializing plugins'
    if name not in PLUGINS and name not in NOT_BUILT:
        raise SchedulerConfigError(f'{start}: {title}Plugin "{name}" does not exist')
    if point in POINTS and name in PLUGINS and not issubclass(PLUGINS[name], POINTS[point]):
        raise SchedulerConfigError(f'{start}: plugin "{name}" does not extend {title} plugin')


def plugins_at(profile: ProfileConfig, point: str) -> list[Named]:
    def has_point(name: str) -> bool:
        return name in PLUGINS and issubclass(PLUGINS[name], POINTS[point])

    everywhere = merged(profile.plugins.get("multiPoint") or {})
    return [each for each in at_point(everywhere, profile.plugins.get(point), has_point) if has_point(each[0])]


def framework(profile: ProfileConfig, needs: Needs) -> Framework:
    points = {point: [name for name, _ in plugins_at(profile, point)] for point in POINTS}
    used = dict.fromkeys(name for names in points.values() for name in names)
    made = {name: _make(name, profile.args.get(name, DEFAULTS.get(name, {})), needs) for name in used}
    weights = {name: weight or 1 for name, weight in plugins_at(profile, "score")}
    by_point = {point: [made[name] for name in names] for point, names in points.items()}
    return Framework(list(made.values()), weights=weights, points=by_point)


def _make(name: str, args: Object, needs: Needs) -> Plugin:
    make = _MAKERS.get(name)
    return make(args, needs) if make is not None else PLUGINS[name]()


def _fit(args: Object, needs: Needs) -> Plugin:
    left_to_others = [
        name for extender in needs.extenders for name, ignored in extender.managed_resources.items() if ignored
    ]
    return NodeResourcesFit(
        strategy_of(args["scoringStrategy"]),
        ignored=[*(args.get("ignoredResources") or ()), *left_to_others],
        ignored_groups=args.get("ignoredResourceGroups") or (),
    )


def strategy_of(spec: Mapping[str, Any]) -> Strategy:
    points = (spec.get("requestedToCapacityRatio") or {}).get("shape") or ()
    return Strategy(
        spec["type"],
        tuple((each["name"], each["weight"]) for each in spec["resources"]),
        tuple((each.get("utilization") or 0, each.get("score") or 0) for each in points),
    )


def _balanced(args: Object, needs: Needs) -> Plugin:
    return NodeResourcesBalancedAllocation([each["name"] for each in args["resources"]])


def _spread(args: Object, needs: Needs) -> Plugin:
    listed = args.get("defaultConstraints") or [] if args["defaultingType"] == "List" else None
    return PodTopologySpread(needs.default_selector, defaults=listed)


def _affinity(args: Object, needs: Needs) -> Plugin:
    return InterPodAffinity(
        hard_weight=args["hardPodAffinityWeight"],
        ignores_running_preferences=bool(args.get("ignorePreferredTermsOfExistingPods")),
    )


def _preemption(args: Object, needs: Needs) -> Plugin:
    return needs.preemption(args["minCandidateNodesPercentage"], args["minCandidateNodesAbsolute"])


def _binding(args: Object, needs: Needs) -> Plugin:
    return VolumeBinding(needs.storage, needs.client, seconds=float(args["bindTimeoutSeconds"]))


_MAKERS: Mapping[str, Callable[[Object, Needs], Plugin]] = {
    "DefaultBinder": lambda args, needs: DefaultBinder(needs.client),
    "DefaultPreemption": _preemption,
    "DynamicResources": lambda args, needs: DynamicResources(needs.devices, needs.client),
    "InterPodAffinity": _affinity,
    "NodeAffinity": lambda args, needs: NodeAffinity(args.get("addedAffinity")),
    "NodeResourcesBalancedAllocation": _balanced,
    "NodeResourcesFit": _fit,
    "NodeVolumeLimits": lambda args, needs: NodeVolumeLimits(needs.storage),
    "PodTopologySpread": _spread,
    "VolumeBinding": _binding,
    "VolumeRestrictions": lambda args, needs: VolumeRestrictions(needs.storage),
    "VolumeZone": lambda args, needs: VolumeZone(needs.storage),
}
