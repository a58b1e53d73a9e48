"""Kill any part or node in the middle of anything and start it again: the cluster comes to the same state.

A random history of wishes is played twice to forks of one cluster, on stopped clocks: once undisturbed, once with parts and
nodes that die at random moments and with calls that fail. At the end everything works again, time passes, and both must have
the same workloads with the same pods, and nothing beside them. Each case is named by its seed.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections import Counter
from typing import Any

import pytest

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.base.virtual_clock import VirtualClock
from wherry.testing.cluster import actions
from wherry.testing.cluster.objects import Objects
from wherry.testing.cluster.plane import Options, Plane, open_plane

PARTS = ("controllers", "scheduler", "nodes")
NODES = 4
STEPS = 14
_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job")
_RESOURCES = {"Deployment": "deployments.apps", "StatefulSet": "statefulsets.apps", "DaemonSet": "daemonsets.apps",
              "Job": "jobs.batch"}  # fmt: skip

Wish = tuple[str, str, Any]
"""What to do, to which `Kind/name`, and with what."""


def wishes(rng: random.Random) -> list[tuple[Wish, float]]:
    """Each with the seconds that pass afterwards."""
    there: dict[str, int] = {}
    found: list[tuple[Wish, float]] = []
    for _ in range(STEPS):
        name = f"{rng.choice(_KINDS)}/{rng.choice('ab')}"
        if name not in there:
            wish: Wish = ("create", name, rng.randrange(1, 4))
            there[name] = 1
        else:
            action = rng.choice(["scale", "image", "delete", "kill pod"])
            if action == "delete":
                del there[name]
            wish = (action, name, rng.randrange(4) if action == "scale" else rng.randrange(2, 9))
        found.append((wish, rng.choice([0.0, 0.3, 2.0, 20.0])))
    return found


def workload(kind: str, name: str, count: int) -> Object:
    labels = {"app": f"{kind.lower()}-{name}"}
    pod: Object = {"containers": [{"name": "main", "image": "app:1"}]}
    template = {
        "metadata": {"labels": labels, "annotations": {"wherry.dev/fake-ready-delay": "1s"}},
        "spec": pod,
    }
    spec: Object = {"selector": {"matchLabels": labels}, "template": template}
    if kind == "Job":
        pod["restartPolicy"] = "Never"
        template["metadata"]["annotations"]["wherry.dev/fake-run-time"] = "3s"
        spec = {"template": template, "completions": count, "parallelism": 2, "backoffLimit": 50}
    elif kind != "DaemonSet":
        spec["replicas"] = count
    if kind == "StatefulSet":
        spec["serviceName"] = name
    version = "batch/v1" if kind == "Job" else "apps/v1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "default"}, "spec": spec}


class History:
    """One play of the wishes on one cluster."""

    def __init__(self, plane: Plane, rng: random.Random | None) -> None:
        self.plane = plane
        self.rng = rng
        assert isinstance(plane.clock, VirtualClock)
        self.clock = plane.clock
        self.objects = Objects(plane)
        self.down: set[str] = set()

    async def play(self, history: list[tuple[Wish, float]]) -> Object:
        self.plane.wake()
        await self.clock.settle()
        if self.rng is not None:
            await self._trouble()
        for (action, name, value), seconds in history:
            await self._wish(action, name, value)
            if self.rng is not None:
                await self._fault(self.rng)
            await self.clock.advance(seconds)
        await self._heal()
        await self.clock.advance(1500)
        return await self._state()

    async def _trouble(self) -> None:
        options: Object = {"resource": "*", "namespace": "", "who": "parts", "times": None}
        verbs = ("create", "update", "patch", "delete")
        for more in ({"code": 500}, {"code": 409}, {"lose": True}):
            await actions.add_rule(self.plane, actions.rule(verb=verbs, probability=0.04, **options, **more))

    async def _wish(self, action: str, name: str, value: int) -> None:
        kind, _, short = name.partition("/")
        resource = _RESOURCES[kind]
        if action == "create":
            # What is still being deleted is waited for, on both plays.
            await self._put(kind, short, value)
        elif action == "delete":
            await self.objects.delete(resource, short, None, None)
        elif action == "kill pod":
            pods = await self.objects.list("pods", "default", f"app={kind.lower()}-{short}", "")
            if pods and kind != "Job":
                await self.objects.delete("pods", pods[value % len(pods)]["metadata"]["name"], None, None)
        elif action == "scale" and kind in ("Deployment", "StatefulSet"):
            await self._change(resource, short, {"spec": {"replicas": value}})
        elif action == "image" and kind != "Job":
            containers = [{"name": "main", "image": f"app:{value}"}]
            await self._change(resource, short, {"spec": {"template": {"spec": {"containers": containers}}}})

    async def _put(self, kind: str, name: str, value: int) -> None:
        await self.objects.apply(workload(kind, name, value), None)

    async def _change(self, resource: str, name: str, patch: Object) -> None:
        await self.objects.patch(resource, name, patch, None, "strategic", "")

    async def _fault(self, rng: random.Random) -> None:
        """Something dies a few steps of the event loop from now; something that is dead comes back."""
        for _ in range(rng.randrange(60)):
            await asyncio.sleep(0)
        for part in [part for part in sorted(self.down) if rng.random() < 0.6]:
            self.down.discard(part)
            self.plane.start(part)
        for node in [node for node in sorted(self.plane.dead) if rng.random() < 0.4]:
            await self.plane.node_up(node)
        fate = rng.random()
        if fate < 0.6:
            part = rng.choice(PARTS)
            await self.plane.kill(part)
            self.down.add(part)
        elif fate < 0.85:
            self.plane.node_down(f"node-{rng.randrange(1, NODES + 1)}", killed=rng.random() < 0.5)
        else:
            self.plane.gate.drop_watches()

    async def _heal(self) -> None:
        await actions.remove_rules(self.plane, None)
        for part in sorted(self.down):
            self.plane.start(part)
        await self.clock.settle()
        for node in sorted(self.plane.dead):
            await self.plane.node_up(node)

    async def _state(self) -> Object:
        """What must be the same: workloads with what they count, pods by owner, and that nothing else is there."""
        state: Object = {}
        for kind, resource in _RESOURCES.items():
            for obj in await self.objects.list(resource, "default", "", ""):
                state[f"{kind}/{obj['metadata']['name']}"] = told(kind, obj)
        pods = await self.objects.list("pods", "default", "", "")
        state["pods"] = Counter(of_pod(pod) for pod in pods if not of_job(pod))
        state["owners"] = {uid for pod in pods for uid in owners(pod)} <= await self._uids()
        state["nodes"] = sorted(
            node["metadata"]["name"] for node in await self.objects.list("nodes", None, "", "") if well(node)
        )
        return state

    async def _uids(self) -> set[str]:
        found: set[str] = set()
        for resource in ("replicasets.apps", *_RESOURCES.values()):
            found |= {obj["metadata"]["uid"] for obj in await self.objects.list(resource, "default", "", "")}
        return found


def told(kind: str, obj: Object) -> Object:
    status = obj.get("status") or {}
    if kind == "Job":
        done = any(c["type"] == "Complete" and c["status"] == "True" for c in status.get("conditions") or ())
        return {"succeeded": status.get("succeeded", 0), "complete": done, "active": status.get("active", 0)}
    fields = (
        "replicas",
        "readyReplicas",
        "updatedReplicas",
        "availableReplicas",
        "numberReady",
        "desiredNumberScheduled",
    )
    image = obj["spec"]["template"]["spec"]["containers"][0]["image"]
    return {"image": image, **{field: status[field] for field in fields if status.get(field)}}


def of_pod(pod: Object) -> tuple[str, ...]:
    metadata, status = pod["metadata"], pod["status"]
    ready = next((c["status"] for c in status.get("conditions") or () if c["type"] == "Ready"), "")
    stateful = metadata["name"] if metadata["labels"]["app"].startswith("statefulset") else ""
    going = "going" if metadata.get("deletionTimestamp") else ""
    return metadata["labels"]["app"], pod["spec"]["containers"][0]["image"], status["phase"], ready, stateful, going


def of_job(pod: Object) -> bool:
    return str(pod["metadata"]["labels"]["app"]).startswith("job")


def owners(pod: Object) -> set[str]:
    return {reference["uid"] for reference in pod["metadata"].get("ownerReferences") or ()}


def well(node: Object) -> bool:
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])
    return ready and not node["spec"].get("taints")


@pytest.mark.parametrize("seed", range(4))
async def test_the_same_state_with_and_without_faults(seed: int) -> None:
    base = await open_plane(Options(nodes=NODES, clock="stopped", start=1_767_225_600.0, seed=seed))
    history = wishes(random.Random(f"wishes {seed}"))
    try:
        calm, troubled = await base.fork(seed=seed), await base.fork(seed=seed)
        try:
            expected = await History(calm, None).play(history)
            found = await History(troubled, random.Random(f"faults {seed}")).play(history)
            assert found == expected, f"seed {seed}"
            assert found["owners"], "a pod's owner is gone"
            assert len(found["nodes"]) == NODES
        finally:
            await troubled.close()
            await calm.close()
    finally:
        await base.close()


async def test_a_node_that_comes_back_makes_no_duplicates() -> None:
    """The pods of a lost node keep their identities: no second one of a name until the first is surely gone."""
    plane = await open_plane(Options(nodes=3, clock="stopped", start=1_767_225_600.0))
    objects, clock = Objects(plane), plane.clock
    assert isinstance(clock, VirtualClock)
    try:
        await objects.apply([workload("StatefulSet", "db", 3), workload("Deployment", "web", 3)], None)
        await clock.advance(60)
        first = {
            pod["metadata"]["name"]: pod for pod in await objects.list("pods", "default", "app=statefulset-db", "")
        }
        victim = first["db-1"]["spec"]["nodeName"]
        plane.node_down(victim, killed=False)
        await clock.advance(900)
        # The Deployment's pods have moved; the set waits, because nobody knows whether db-1 still runs.
        moved = [
            p
            for p in await objects.list("pods", "default", "app=deployment-web", "")
            if "deletionTimestamp" not in p["metadata"]
        ]
        assert len(moved) == 3
        assert victim not in {pod["spec"]["nodeName"] for pod in moved}
        stuck = await objects.get("pod", "db-1", None)
        assert stuck["metadata"]["uid"] == first["db-1"]["metadata"]["uid"]
        assert "deletionTimestamp" in stuck["metadata"]
        await plane.node_up(victim)
        await clock.advance(120)
        pods = await objects.list("pods", "default", "app=statefulset-db", "")
        assert sorted(pod["metadata"]["name"] for pod in pods) == ["db-0", "db-1", "db-2"]
        again = next(pod for pod in pods if pod["metadata"]["name"] == "db-1")
        assert again["metadata"]["uid"] != first["db-1"]["metadata"]["uid"]
        assert again["status"]["phase"] == "Running"
        assert len(await objects.list("pods", "default", "app=deployment-web", "")) == 3
        with pytest.raises(NotFound):
            await objects.get("pod", "db-3", None)
    finally:
        await plane.close()


async def test_ten_thousand_objects_come_and_go() -> None:
    """Memory returns, nothing of them is left: no object, no owner without its own, no finalizer."""
    plane = await open_plane(Options(nodes=1, clock="stopped", start=1_767_225_600.0))
    clock, client = plane.clock, plane.client
    assert isinstance(clock, VirtualClock)
    try:
        await clock.advance(600)
        before, keys = await _containers(clock), _keys(plane)
        await client.create("namespaces", {"metadata": {"name": "crowd"}})
        await clock.advance(1)
        owner = await client.create("configmaps", {"metadata": {"name": "owner", "namespace": "crowd"}})
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
        for number in range(10_000):
            metadata = {"name": f"c{number}", "namespace": "crowd"}
            if number < 500:
                metadata |= {"ownerReferences": [{**reference, "blockOwnerDeletion": True}]}
            await client.create("configmaps", {"metadata": metadata, "data": {"text": "x"}})
            if number % 200 == 0:
                await clock.settle()
        await client.delete("configmaps", "owner", namespace="crowd", propagation_policy="Foreground")
        await clock.advance(60)
        assert plane.store.count("/registry/core/configmaps/crowd/") == 9501  # with kube-root-ca.crt
        await client.delete("namespaces", "crowd")
        await clock.advance(1800)
        assert _keys(plane) == keys
        assert await _containers(clock) < before * 1.05 + 2000
    finally:
        await plane.close()


def _keys(plane: Plane) -> set[str]:
    """What is stored, but for events."""
    return {e.key for e in plane.store.range("/registry/").entries if not e.key.startswith("/registry/core/events/")}


async def _containers(clock: VirtualClock) -> int:
    """How many containers live in the process: what leaks of an object is at least one."""
    await clock.settle()
    gc.collect()
    return len(gc.get_objects())
