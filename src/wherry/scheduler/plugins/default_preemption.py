"""Making room by removing less important pods, as few and as unimportant as possible.

For every node where removing pods can help: take away all pods of lower priority, then put back as many as the pod
leaves room for, the most important first and those first that a disruption budget protects. Of the nodes, the one whose
victims hurt least is taken. Source: plugins/defaultpreemption; KEP-902 (preemptionPolicy).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from wherry.api.types import Object
from wherry.scheduler.framework.attempt import Attempt
from wherry.scheduler.framework.diagnosis import Diagnosis, VerdictCounts, VerdictsByName
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.post_filter import Candidate, PostFilter, Remedy
from wherry.scheduler.framework.status import Code, Status, unresolvable
from wherry.scheduler.plugins.disruption_budgets import split_by_budgets

NAME = "DefaultPreemption"
NOT_HELPFUL = unresolvable(NAME, "Preemption is not helpful for scheduling")
NO_VICTIMS = unresolvable(NAME, "No preemption victims found for incoming pod")
CANDIDATES_AT_LEAST = 100
CANDIDATES_PERCENT = 10
_PREFIX = "no new claims to deallocate, preemption: "
"""The first half is upstream's answer, from another plugin, for pods without resource claims."""

_LOWEST = 1 << 31


def _cost(candidate: Candidate) -> tuple[int, int, int, int]:
    """The smallest is best: budgets, the highest priority, all priorities together, the number of pods."""
    priorities = [victim.priority for victim in candidate.victims]
    return candidate.violations, priorities[0], sum(each + _LOWEST for each in priorities), len(priorities)


def _begun(candidate: Candidate) -> str:
    """When the longest running of its most important victims started; the latest is best."""
    highest = candidate.victims[0].priority
    return min(_started(victim) for victim in candidate.victims if victim.priority == highest)


class DefaultPreemption(PostFilter):
    """`budgets` lists the PodDisruptionBudgets; `preempting` says whether a pod's victims are just being deleted."""

    name = NAME

    def __init__(
        self,
        *,
        budgets: Callable[[], Sequence[Object]] = tuple,
        preempting: Callable[[str], bool] = lambda uid: False,
        rng: random.Random | None = None,
        percent: int = CANDIDATES_PERCENT,
        at_least: int = CANDIDATES_AT_LEAST,
    ) -> None:
        """A search ends with so many candidates: a part of the nodes, or `at_least`, whichever is more."""
        self._budgets = budgets
        self._preempting = preempting
        self._rng = rng or random.Random()
        self._percent = percent
        self._at_least = at_least

    def post_filter(self, attempt: Attempt) -> Remedy:
        if why_not := self._not_eligible(attempt):
            return Remedy(_PREFIX + why_not)
        lowest = attempt.cluster.lowest_priority()
        if lowest is None or lowest >= attempt.pod.priority:
            # Nobody is less important: no node has to be looked at.
            said = attempt.diagnosis.nodes.counts()
            victimless = sum(count for status, count in said.items() if _may_help(status))
            failed = Diagnosis(
                attempt.diagnosis.total, nodes=VerdictCounts({NO_VICTIMS: victimless}), absent=NOT_HELPFUL
            )
            return Remedy(_PREFIX + failed.message, withdraws=True)
        nodes = [node for node in attempt.cluster.nodes() if _may_help(attempt.diagnosis.nodes.get(node.name))]
        candidates, statuses = self._candidates(attempt, nodes)
        if not candidates:
            failed = Diagnosis(attempt.diagnosis.total, nodes=statuses, absent=NOT_HELPFUL)
            return Remedy(_PREFIX + failed.message, withdraws=True)
        return Remedy(nomination=best_candidate(candidates), alternatives=tuple(candidates))

    def _not_eligible(self, attempt: Attempt) -> str:
        """Why the pod may not preempt; empty where it may."""
        pod = attempt.pod
        if pod.spec.get("preemptionPolicy") == "Never":
            return "not eligible due to preemptionPolicy=Never."
        if self._preempting(pod.uid):
            return "waiting for the preemption for this pod to be finished"
        name = attempt.cluster.nominated_node(pod.uid)
        node = attempt.cluster.node(name) if name else None
        if name is None or node is None:
            return ""
        status = attempt.diagnosis.nodes.get(name)
        hopeless = status is not None and status.code is Code.UNRESOLVABLE
        if not hopeless and any(_makes_way(other, pod) for other in node.pods.values()):
            return "not eligible due to a terminating pod on the nominated node."
        return ""

    def _candidates(self, attempt: Attempt, nodes: Sequence[NodeInfo]) -> tuple[list[Candidate], VerdictsByName]:
        """Enough candidates to choose from, at least one of them without violations if there is any."""
        candidates: list[Candidate] = []
        statuses = VerdictsByName()
        budgets = self._budgets()
        enough = max(self._at_least, len(nodes) * self._percent // 100)
        start = self._rng.randrange(len(nodes)) if nodes else 0
        for node in (*nodes[start:], *nodes[:start]):
            found = select_victims(attempt, node, budgets)
            if isinstance(found, Status):
                statuses[node.name] = found
                continue
            candidates.append(found)
            if len(candidates) >= enough and any(not each.violations for each in candidates):
                break
        return candidates, statuses


def select_victims(attempt: Attempt, node: NodeInfo, budgets: Sequence[Object]) -> Candidate | Status:
    """Who has to go from a node. The node is as it was afterwards."""
    prepared = attempt.prepared
    lower = sorted((pod for pod in node.pods.values() if pod.priority < attempt.pod.priority), key=_importance)
    if not lower or isinstance(prepared, Status):
        return NO_VICTIMS
    protected, others = split_by_budgets(lower, budgets)
    gone = dict.fromkeys(lower)
    try:
        for pod in lower:
            prepared.remove_pod(pod, node)
        if (status := attempt.check(node)) is not None:
            return status
        for pod in (*protected, *others):
            prepared.add_pod(pod, node)
            del gone[pod]
            if attempt.check(node) is not None:
                prepared.remove_pod(pod, node)
                gone[pod] = None
        victims = tuple(sorted(gone, key=_importance))
        return Candidate(node.name, victims, sum(pod in gone for pod in protected)) if victims else NO_VICTIMS
    finally:
        for pod in gone:
            prepared.add_pod(pod, node)


def best_candidate(candidates: Sequence[Candidate]) -> Candidate:
    """The one that hurts least; the first among equals."""
    costs = [_cost(candidate) for candidate in candidates]
    lowest = min(costs)
    cheapest = [candidate for candidate, cost in zip(candidates, costs, strict=True) if cost == lowest]
    return max(cheapest, key=_begun)


def _may_help(status: Status | None) -> bool:
    return status is not None and status.code is Code.UNSCHEDULABLE


def _importance(pod: PodInfo) -> tuple[int, str]:
    """The most important first: the highest priority, then the longest running."""
    return -pod.priority, _started(pod)


def _started(pod: PodInfo) -> str:
    """Times as the API writes them sort as text; a pod that has not started is the youngest."""
    started: str = (pod.obj.get("status") or {}).get("startTime") or "~"
    return started


def _makes_way(other: PodInfo, pod: PodInfo) -> bool:
    """Whether a less important pod is on its way out because of a preemption."""
    if other.priority >= pod.priority or not other.obj["metadata"].get("deletionTimestamp"):
        return False
    conditions = (other.obj.get("status") or {}).get("conditions") or ()
    return any(
        each.get("type") == "DisruptionTarget"
        and each.get("status") == "True"
        and each.get("reason") == "PreemptionByScheduler"
        for each in conditions
    )
