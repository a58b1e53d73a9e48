"""A profile at work: a scheduler's name, its plugins, and its way to choose nodes.

Queue and hints are shared by all profiles, so that a plugin is known there by profile and name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.scheduler.extenders import NAME as EXTENDER
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.framework import Framework
from wherry.scheduler.framework.plugin import Hint
from wherry.scheduler.framework.pod_info import PodInfo, scheduler_name
from wherry.scheduler.framework.status import Status
from wherry.scheduler.placement import Placement


@dataclass(frozen=True, slots=True)
class Profile:
    name: str
    framework: Framework
    placement: Placement

    def known_as(self, plugins: Iterable[str]) -> frozenset[str]:
        return frozenset(f"{self.name}/{plugin}" for plugin in plugins)


class Profiles:
    """All profiles by name. Pods of other schedulers must not be asked for."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self.by_name: Mapping[str, Profile] = {profile.name: profile for profile in profiles}
        self._first = next(iter(self.by_name.values()))

    def of(self, pod: PodInfo) -> Profile:
        return self.by_name[scheduler_name(pod.obj)]

    def order(self, pod: PodInfo, since: float) -> tuple[float, ...]:
        """All profiles sort their queue alike: the configuration is checked for that."""
        return self._first.framework.order(pod, since)

    def pre_enqueue(self, pod: PodInfo) -> Status | None:
        return self.of(pod).framework.pre_enqueue(pod)

    def hints(self) -> dict[ClusterEvent, dict[str, Hint]]:
        """Per change of the cluster, the plugins that may say yes after it. Nobody knows what helps with an extender."""
        found: dict[ClusterEvent, dict[str, Hint]] = {event: {} for event in ClusterEvent}
        for profile in self.by_name.values():
            for event, hints in profile.framework.hints().items():
                found[event].update({f"{profile.name}/{name}": hint for name, hint in hints.items()})
            for event in ClusterEvent:
                found[event][f"{profile.name}/{EXTENDER}"] = _always
        return found


def _always(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    return True
