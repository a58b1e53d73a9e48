"""What is wrong with the arguments of plugins. Source: pkg/scheduler/apis/config/validation/validation_pluginargs.go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.machinery import names
from wherry.scheduler.plugins.resource_strategies import LEAST, MOST, RATIO

DEFAULTS: Mapping[str, Object] = {
    "DefaultPreemption": {"minCandidateNodesPercentage": 10, "minCandidateNodesAbsolute": 100},
    "InterPodAffinity": {"hardPodAffinityWeight": 1},
    "NodeAffinity": {},
    "NodeResourcesBalancedAllocation": {"resources": [{"name": "cpu", "weight": 1}, {"name": "memory", "weight": 1}]},
    "NodeResourcesFit": {
        "scoringStrategy": {
            "type": LEAST,
            "resources": [{"name": "cpu", "weight": 1}, {"name": "memory", "weight": 1}],
        }
    },
    "PodTopologySpread": {"defaultingType": "System"},
    "VolumeBinding": {"bindTimeoutSeconds": 600},
    "DynamicResources": {},
}
_STRATEGIES = (LEAST, MOST, RATIO)
_WHEN = ("DoNotSchedule", "ScheduleAnyway")


def with_defaults(name: str, args: Object) -> Object:
    """What is not said gets upstream's default. Source: pkg/scheduler/apis/config/v1/defaults.go."""
    given = {key: value for key, value in args.items() if value is not None}
    found = {**DEFAULTS[name], **given}
    if name == "NodeResourcesFit":
        strategy = dict(found["scoringStrategy"])
        strategy.setdefault("type", LEAST)
        if not strategy.get("resources"):
            strategy["resources"] = DEFAULTS[name]["scoringStrategy"]["resources"]
        found["scoringStrategy"] = {**strategy, "resources": [_weighted(each) for each in strategy["resources"]]}
    elif name == "NodeResourcesBalancedAllocation":
        resources = found["resources"] or DEFAULTS[name]["resources"]
        found["resources"] = [_weighted(each) for each in resources]
    return found


def _weighted(resource: Object) -> Object:
    return {**resource, "weight": resource.get("weight") or 1}


def check(name: str, args: Object, path: str, errors: Errors) -> None:
    if name in _CHECKS:
        _CHECKS[name](args, path, errors)


def _default_preemption(args: Object, path: str, errors: Errors) -> None:
    percent, absolute = args["minCandidateNodesPercentage"], args["minCandidateNodesAbsolute"]
    percent_path, absolute_path = f"{path}.minCandidateNodesPercentage", f"{path}.minCandidateNodesAbsolute"
    if not 0 <= percent <= 100:
        errors.invalid(percent_path, percent, "not in valid range [0, 100]")
    if absolute < 0:
        errors.invalid(absolute_path, absolute, "not in valid range [0, inf)")
    if not percent and not absolute:
        errors.invalid(percent_path, percent, "cannot be zero at the same time as minCandidateNodesAbsolute")
        errors.invalid(absolute_path, absolute, "cannot be zero at the same time as minCandidateNodesPercentage")


def _inter_pod_affinity(args: Object, path: str, errors: Errors) -> None:
    if not 0 <= args["hardPodAffinityWeight"] <= 100:
        errors.invalid(f"{path}.hardPodAffinityWeight", args["hardPodAffinityWeight"], "not in valid range [0, 100]")


def _node_affinity(args: Object, path: str, errors: Errors) -> None:
    added = args.get("addedAffinity")
    if added is not None and not isinstance(added, dict):
        errors.invalid(f"{path}.addedAffinity", added, "must be a NodeAffinity")


def _balanced(args: Object, path: str, errors: Errors) -> None:
    seen: set[str] = set()
    for i, each in enumerate(args["resources"]):
        inner, name = f"{path}.resources[{i}]", each.get("name") or ""
        if name in seen:
            errors.duplicate(f"{inner}.name", name)
        seen.add(name)
        if each["weight"] != 1:
            errors.invalid(f"{inner}.weight", each["weight"], "must be 1")


def _fit(args: Object, path: str, errors: Errors) -> None:
    for i, name in enumerate(args.get("ignoredResources") or ()):
        errors.each(f"{path}.ignoredResources[{i}]", name, names.label_key(name))
    for i, group in enumerate(args.get("ignoredResourceGroups") or ()):
        inner = f"{path}.ignoredResourceGroups[{i}]"
        if "/" in group:
            errors.invalid(inner, group, "resource group name can't contain '/'")
        errors.each(inner, group, names.label_key(group))
    _strategy(args["scoringStrategy"], f"{path}.scoringStrategy", errors)


def _strategy(strategy: Object, path: str, errors: Errors) -> None:
    if strategy["type"] not in _STRATEGIES:
        errors.not_supported(f"{path}.type", strategy["type"], sorted(_STRATEGIES))
    for i, each in enumerate(strategy["resources"]):
        if not 0 < each["weight"] <= 100:
            text = f"resource weight of {each.get('name') or ''} not in valid range (0, 100]"
            errors.invalid(f"{path}.resources[{i}].weight", each["weight"], text)
    ratio, ratio_path = strategy.get("requestedToCapacityRatio"), f"{path}.requestedToCapacityRatio"
    if strategy["type"] != RATIO:
        if ratio is not None:
            errors.forbidden(ratio_path, "must be nil when type is not RequestedToCapacityRatio")
    elif ratio is None:
        errors.required(ratio_path, "must be specified when type is RequestedToCapacityRatio")
    else:
        _curve(ratio.get("shape") or (), f"{ratio_path}.shape", errors)


def _curve(points: Sequence[Mapping[str, Any]], path: str, errors: Errors) -> None:
    if not points:
        errors.required(path, "at least one point must be specified")
        return
    at = [point.get("utilization") or 0 for point in points]
    rising = next((i for i in range(1, len(at)) if at[i - 1] >= at[i]), None)
    if rising is not None:
        errors.invalid(f"{path}[{rising}].utilization", at[rising], "values must be sorted in increasing order")
    for i, point in enumerate(points):
        for name, most in (("utilization", 100), ("score", 10)):
            value = point.get(name) or 0
            if not 0 <= value <= most:
                errors.invalid(f"{path}[{i}].{name}", value, f"not in valid range [0, {most}]")


def _topology_spread(args: Object, path: str, errors: Errors) -> None:
    kind, constraints = args["defaultingType"], args.get("defaultConstraints") or []
    if kind not in ("System", "List"):
        errors.not_supported(f"{path}.defaultingType", kind, ("System", "List"))
    elif kind == "System" and constraints:
        errors.invalid(f"{path}.defaultingType", kind, "when .defaultConstraints are not empty")
    seen: set[tuple[Any, Any]] = set()
    for i, each in enumerate(constraints):
        _default_constraint(each, f"{path}.defaultConstraints[{i}]", errors)
        pair = each.get("topologyKey"), each.get("whenUnsatisfiable")
        if pair in seen:
            errors.duplicate(f"{path}.defaultConstraints[{i}]", f"{{{pair[0]}, {pair[1]}}}")
        seen.add(pair)


def _default_constraint(constraint: Object, path: str, errors: Errors) -> None:
    if (constraint.get("maxSkew") or 0) <= 0:
        errors.invalid(f"{path}.maxSkew", constraint.get("maxSkew") or 0, "not in valid range (0, inf)")
    if not (key := constraint.get("topologyKey") or ""):
        errors.required(f"{path}.topologyKey", "can not be empty")
    else:
        errors.each(f"{path}.topologyKey", key, names.label_key(key))
    if not (when := constraint.get("whenUnsatisfiable") or ""):
        errors.required(f"{path}.whenUnsatisfiable", "can not be empty")
    elif when not in _WHEN:
        errors.not_supported(f"{path}.whenUnsatisfiable", when, _WHEN)
    if constraint.get("labelSelector") is not None:
        text = "constraint must not define a selector, as they deduced for each pod"
        errors.forbidden(f"{path}.labelSelector", text)


def _volume_binding(args: Object, path: str, errors: Errors) -> None:
    if args["bindTimeoutSeconds"] < 0:
        text = "invalid BindTimeoutSeconds, should not be a negative value"
        errors.invalid(f"{path}.bindTimeoutSeconds", args["bindTimeoutSeconds"], text)


_CHECKS: Mapping[str, Callable[[Object, str, Errors], None]] = {
    "DefaultPreemption": _default_preemption,
    "InterPodAffinity": _inter_pod_affinity,
    "NodeAffinity": _node_affinity,
    "NodeResourcesBalancedAllocation": _balanced,
    "NodeResourcesFit": _fit,
    "PodTopologySpread": _topology_spread,
    "VolumeBinding": _volume_binding,
}
