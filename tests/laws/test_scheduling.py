"""Laws of scheduling over random histories of a cluster.

After every change, once the queue is empty: no node holds more than it can, no port is held twice, no required rule is
broken at the time of placing; and no pod waits that would fit, so no queueing hint has missed a change.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from wherry.api.types import Object
from wherry.base.fake_clock import FakeClock
from wherry.scheduler.cache import Cache
from wherry.scheduler.framework.framework import Framework
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.handlers import Handlers
from wherry.scheduler.placement import Placement, Refusal
from wherry.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from wherry.scheduler.plugins.node_affinity import NodeAffinity
from wherry.scheduler.plugins.node_ports import NodePorts
from wherry.scheduler.plugins.node_resources_fit import NodeResourcesFit
from wherry.scheduler.plugins.node_unschedulable import NodeUnschedulable
from wherry.scheduler.plugins.pod_topology_spread import PodTopologySpread
from wherry.scheduler.plugins.priority_sort import PrioritySort
from wherry.scheduler.plugins.scheduling_gates import SchedulingGates
from wherry.scheduler.plugins.taint_toleration import TaintToleration
from wherry.scheduler.queue import SchedulingQueue
from wherry.testing.scheduling import node, pod

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
TAINT = {"key": "k", "effect": "NoSchedule"}
APPS = ("web", "db", "job")
STEPS = 400


def framework() -> Framework:
    return Framework(
        [
            SchedulingGates(),
            PrioritySort(),
            NodeUnschedulable(),
            TaintToleration(),
            NodeAffinity(),
            NodePorts(),
            NodeResourcesFit(),
            PodTopologySpread(),
            InterPodAffinity(),
        ]
    )


class World:
    """Objects as the API server would have them; handlers are told of every change."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.nodes: dict[str, Object] = {}
        self.pods: dict[str, Object] = {}
        self.count = 0
        self.framework = framework()
        self.cache = Cache()
        self.queue = SchedulingQueue(
            clock=FakeClock(),
            order=self.framework.order,
            pre_enqueue=self.framework.pre_enqueue,
            hints=self.framework.hints(),
        )
        self.handlers = Handlers(cache=self.cache, queue=self.queue, names=("default-scheduler",))
        self.placement = Placement(self.framework, self.cache, rng=self.rng)

    # Random objects.

    def some_node(self, name: str) -> Object:
        rng = self.rng
        return node(
            name,
            cpu=str(rng.randrange(1, 5)),
            pods=rng.choice([2, 5, 110]),
            labels={ZONE: rng.choice("ab")} if rng.random() < 0.8 else {},
            taints=[TAINT] if rng.random() < 0.2 else None,
            unschedulable=rng.random() < 0.1,
        )

    def some_pod(self) -> Object:
        rng = self.rng
        self.count += 1
        spec: dict[str, Any] = {}
        if rng.random() < 0.2:
            spec["nodeSelector"] = {ZONE: rng.choice("ab")}
        if rng.random() < 0.2:
            spec["tolerations"] = [{"operator": "Exists"}]
        if rng.random() < 0.15:
            spec["schedulingGates"] = [{"name": "g"}]
        if rng.random() < 0.3:
            side = rng.choice(["podAffinity", "podAntiAffinity"])
            spec["affinity"] = {side: {REQUIRED: [self.some_term()]}}
        elif rng.random() < 0.3:
            spec["topologySpreadConstraints"] = [self.some_constraint()]
        made = pod(f"p{self.count}", cpu=str(rng.randrange(3)), labels={"app": rng.choice(APPS)}, **spec)
        if rng.random() < 0.2:
            made["spec"]["containers"][0]["ports"] = [{"hostPort": rng.randrange(80, 83)}]
        return made

    def some_term(self) -> Object:
        selector = {"matchLabels": {"app": self.rng.choice(APPS)}}
        return {"labelSelector": selector, "topologyKey": self.rng.choice([ZONE, HOST])}

    def some_constraint(self) -> Object:
        return {
            "maxSkew": self.rng.randrange(1, 3),
            "topologyKey": self.rng.choice([ZONE, HOST]),
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": self.rng.choice(APPS)}},
            **({"nodeTaintsPolicy": "Honor"} if self.rng.random() < 0.5 else {}),
            **({"minDomains": 2} if self.rng.random() < 0.3 else {}),
        }

    # Random changes.

    def change(self) -> None:
        changes = (self.put_node, self.remove_node, self.add_pod, self.add_pod, self.add_pod, self.remove_pod)
        self.rng.choice((*changes, self.remove_pod, self.relabel_pod, self.ungate_pod))()
        self.schedule_all()

    def put_node(self) -> None:
        name = f"n{self.rng.randrange(6)}"
        old, new = self.nodes.get(name), self.some_node(name)
        self.nodes[name] = new
        if old is None:
            self.handlers.node_added(new)
        else:
            self.handlers.node_changed(old, new)

    def remove_node(self) -> None:
        if self.nodes and self.rng.random() < 0.3:
            self.handlers.node_removed(self.nodes.pop(self.rng.choice(sorted(self.nodes))))

    def add_pod(self) -> None:
        made = self.some_pod()
        self.pods[made["metadata"]["uid"]] = made
        self.handlers.pod_added(made)

    def remove_pod(self) -> None:
        if self.pods:
            self.handlers.pod_removed(self.pods.pop(self.rng.choice(sorted(self.pods))))

    def relabel_pod(self) -> None:
        if self.pods:
            old = self.pods[self.rng.choice(sorted(self.pods))]
            self.update(old, {**old, "metadata": {**old["metadata"], "labels": {"app": self.rng.choice(APPS)}}})

    def ungate_pod(self) -> None:
        gated = [each for each in self.pods.values() if each["spec"].get("schedulingGates")]
        if gated:
            old = self.rng.choice(gated)
            self.update(old, {**old, "spec": {**old["spec"], "schedulingGates": []}})

    def update(self, old: Object, new: Object) -> None:
        self.pods[new["metadata"]["uid"]] = new
        self.handlers.pod_changed(old, new)

    def schedule_all(self) -> None:
        while (queued := self.queue.next_nowait()) is not None:
            decision = self.placement.choose(queued.pod)
            if isinstance(decision, Refusal):
                self.queue.reject(queued, decision.diagnosis.plugins())
                continue
            self.cache.assume(queued.pod, decision)
            old = self.pods[queued.pod.uid]
            self.update(old, {**old, "spec": {**old["spec"], "nodeName": decision}})

    # The laws.

    def check(self) -> None:
        fresh = Cache()
        for each in self.nodes.values():
            fresh.set_node(each)
        for each in self.pods.values():
            if each["spec"].get("nodeName"):
                fresh.set_pod(each)
        self.check_ports(fresh)
        self.check_nobody_waits_in_vain(fresh)

    def check_ports(self, fresh: Cache) -> None:
        for info in fresh.nodes():
            assert all(len(held) == 1 for held in info.ports.values()), f"a port twice on {info.name}"

    def check_nobody_waits_in_vain(self, fresh: Cache) -> None:
        placement = Placement(framework(), fresh, rng=random.Random(0))
        for each in self.pods.values():
            if each["spec"].get("nodeName") or each["spec"].get("schedulingGates"):
                continue
            decision = placement.choose(PodInfo(each))
            assert isinstance(decision, Refusal), f"{each['metadata']['name']} would fit on {decision}"


@pytest.mark.parametrize("seed", range(6))
async def test_no_pod_waits_that_would_fit(seed: int):
    world = World(seed)
    try:
        for step in range(STEPS):
            world.change()
            try:
                world.check()
            except AssertionError as broken:
                raise AssertionError(f"seed {seed}, step {step}: {broken}") from broken
    finally:
        world.queue.close()
        await asyncio.sleep(0)
