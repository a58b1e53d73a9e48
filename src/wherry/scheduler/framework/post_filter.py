"""The point where a plugin may make room for a pod that fits nowhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from wherry.scheduler.framework.attempt import Attempt
from wherry.scheduler.framework.framework import Framework
from wherry.scheduler.framework.plugin import Plugin
from wherry.scheduler.framework.pod_info import PodInfo


@dataclass(frozen=True, slots=True)
class Nomination:
    """The node where the pod will fit once these pods are gone."""

    node: str
    victims: tuple[PodInfo, ...]


@dataclass(frozen=True, slots=True)
class Candidate(Nomination):
    """A node, and who has to go there, the most important first."""

    violations: int = 0
    """How many victims a disruption budget protects."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What PostFilter found: a nomination, or a message why there is none.

    `withdraws` says that a nomination which the pod may have from before is void.
    """

    message: str = ""
    nomination: Nomination | None = None
    alternatives: tuple[Candidate, ...] = ()
    """All that could be nominated, for those who have a say besides the plugins."""
    withdraws: bool = False


class PostFilter(Plugin, ABC):
    @abstractmethod
    def post_filter(self, attempt: Attempt) -> Remedy: ...


def post_filter(framework: Framework, attempt: Attempt) -> Remedy:
    """The first nomination; or all messages, and whether an older nomination is void."""
    messages: list[str] = []
    withdraws = False
    for plugin in framework.at("postFilter"):
        if not isinstance(plugin, PostFilter):
            continue
        remedy = plugin.post_filter(attempt)
        if remedy.nomination is not None:
            return remedy
        withdraws = withdraws or remedy.withdraws
        if remedy.message:
            messages.append(remedy.message)
    return Remedy(", ".join(messages), withdraws=withdraws)
