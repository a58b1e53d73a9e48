"""The table of workloads. Names and objects are scheduler_perf's; sizes are given here.

Source: test/integration/scheduler_perf/*/performance-config.yaml.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.scheduling import objects
from bench.scheduling.objects import Object

Make = Callable[[str], Object]


@dataclass(frozen=True, slots=True)
class Workload:
    """`before` pods are there when measuring begins (`waits`: once they have nodes); `pods` are what is measured."""

    name: str
    nodes: int
    pods: int
    make: Make
    reach: int = 0
    """Pods per second; 0: nothing to reach."""
    zones: int = 0
    before: int = 0
    make_before: Make = objects.plain
    waits: bool = True
    churn: bool = False
    """A node, a pod that fits nowhere and a Service are made and removed every second."""

    def small(self) -> Workload:
        """For a quick look."""
        return replace(self, nodes=self.nodes // 5, pods=self.pods // 5, before=self.before // 5)


WORKLOADS = (
    Workload("SchedulingBasic", 1000, 3000, objects.plain, reach=800),
    Workload("TopologySpreading", 5000, 5000, objects.spreading, reach=700, zones=3),
    Workload("PreferredTopologySpreading", 1000, 1000, objects.preferred_spreading, zones=3),
    Workload("SchedulingNodeAffinity", 1000, 1000, objects.node_affinity, zones=3),
    Workload("SchedulingPodAntiAffinity", 1000, 800, objects.anti_affinity),
    Workload("SchedulingPodAffinity", 1000, 1000, objects.affinity, zones=1),
    Workload("SchedulingPreferredPodAffinity", 1000, 1000, objects.preferred_affinity),
    Workload("SchedulingPreferredPodAntiAffinity", 1000, 1000, objects.preferred_anti_affinity),
    Workload("PreemptionBasic", 250, 250, objects.high_priority, before=1000, make_before=objects.low_priority),
    Workload("Unschedulable", 1000, 1000, objects.plain, before=200, make_before=objects.large_cpu, waits=False),
    Workload("SchedulingWithMixedChurn", 1000, 1000, objects.plain, churn=True),
)
