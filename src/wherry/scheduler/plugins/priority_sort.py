"""The highest priority first; among equals, who has waited longest."""

from __future__ import annotations

from wherry.scheduler.framework.plugin import QueueSort
from wherry.scheduler.framework.pod_info import PodInfo


class PrioritySort(QueueSort):
    name = "PrioritySort"

    def order(self, pod: PodInfo, since: float) -> tuple[float, ...]:
        return (-pod.priority, since)
