"""Pods with gates stay out of the queue until the last gate is gone (KEP-3521)."""

from __future__ import annotations

from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.plugin import PreEnqueue, always
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status, unresolvable


class SchedulingGates(PreEnqueue):
    name = "SchedulingGates"
    events = {ClusterEvent.TARGET_UNGATED: always}

    def pre_enqueue(self, pod: PodInfo) -> Status | None:
        gates = pod.spec.get("schedulingGates")
        if not gates:
            return None
        names = " ".join(gate["name"] for gate in gates)
        return unresolvable(self.name, f"waiting for scheduling gates: [{names}]")
