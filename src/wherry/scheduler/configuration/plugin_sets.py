"""Which plugins take part at which point, from the defaults and what a profile switches on and off.

`multiPoint` is for every point that a plugin has; a point's own list goes before it. Source: mergePluginSet in
apis/config/v1/default_plugins.go and expandMultiPointPlugins in framework/runtime/framework.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Named = tuple[str, int]
"""A plugin and its weight; 0: not said."""

DEFAULTS: tuple[Named, ...] = (
    ("SchedulingGates", 0),
    ("PrioritySort", 0),
    ("NodeUnschedulable", 0),
    ("NodeName", 0),
    ("TaintToleration", 3),
    ("NodeAffinity", 2),
    ("NodePorts", 0),
    ("NodeResourcesFit", 1),
    ("VolumeRestrictions", 0),
    ("NodeVolumeLimits", 0),
    ("VolumeBinding", 0),
    ("VolumeZone", 0),
    ("PodTopologySpread", 2),
    ("InterPodAffinity", 2),
    ("DynamicResources", 0),
    ("DefaultPreemption", 0),
    ("NodeResourcesBalancedAllocation", 1),
    ("ImageLocality", 1),
    ("DefaultBinder", 0),
)


def _named(entries: Sequence[Mapping[str, Any]] | None) -> list[Named]:
    return [(entry.get("name") or "", entry.get("weight") or 0) for entry in entries or ()]


def merged(custom: Mapping[str, Any]) -> list[Named]:
    """The default list for all points with a profile's `multiPoint` worked in."""
    disabled = {name for name, _ in _named(custom.get("disabled"))}
    enabled = _named(custom.get("enabled"))
    again = dict(enabled)
    kept = [] if "*" in disabled else [each for each in DEFAULTS if each[0] not in disabled]
    replaced = [(name, again.get(name, weight)) for name, weight in kept]
    known = {name for name, _ in replaced}
    return [*replaced, *(each for each in enabled if each[0] not in known)]


def at_point(
    everywhere: Sequence[Named], custom: Mapping[str, Any] | None, has_point: Callable[[str], bool]
) -> list[Named]:
    """The plugins of one point in their order. `has_point` says whether a plugin can take part there."""
    own = _named((custom or {}).get("enabled"))
    own_names = {name for name, _ in own}
    disabled = {name for name, _ in _named((custom or {}).get("disabled"))}
    general = [name for name, _ in everywhere]
    overriding = [each for each in own if each[0] in general]
    rest = [each for each in own if each[0] not in general]
    spread = [
        each
        for each in everywhere
        if each[0] not in own_names and each[0] not in disabled and "*" not in disabled and has_point(each[0])
    ]
    return [*overriding, *spread, *rest]
