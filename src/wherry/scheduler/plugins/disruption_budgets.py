"""Which pods cannot go without breaking a PodDisruptionBudget."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.types import Object
from wherry.scheduler.framework.affinity_terms import selector_of
from wherry.scheduler.framework.pod_info import PodInfo


def split_by_budgets(pods: Sequence[PodInfo], budgets: Sequence[Object]) -> tuple[list[PodInfo], list[PodInfo]]:
    """Those whose going breaks a budget if all those before them in the list go too, and the others.

    A budget without a selector protects nothing; a pod that is being disrupted already is in the budget's count.
    """
    left = [(budget.get("status") or {}).get("disruptionsAllowed") or 0 for budget in budgets]
    protected: list[PodInfo] = []
    others: list[PodInfo] = []
    for pod in pods:
        breaks = False
        for i, budget in enumerate(budgets):
            if pod.labels and _covers(budget, pod):
                left[i] -= 1
                breaks = breaks or left[i] < 0
        (protected if breaks else others).append(pod)
    return protected, others


def _covers(budget: Object, pod: PodInfo) -> bool:
    if budget["metadata"].get("namespace", "") != pod.namespace:
        return False
    selector = selector_of(budget["spec"].get("selector"))
    if selector.everything or not selector.matches(pod.labels):
        return False
    return pod.name not in ((budget.get("status") or {}).get("disruptedPods") or {})
