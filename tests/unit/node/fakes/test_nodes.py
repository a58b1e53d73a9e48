"""Fake nodes and the lives of their pods, against the real API server on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.base.tasks import cancel_and_wait
from wherry.base.virtual_clock import VirtualClock
from wherry.client.client import Client
from wherry.node.fakes.nodes import FakeNode, FakeNodes
from wherry.testing.apiserver import client_of, in_process_server


class World:
    def __init__(self, client: Client, clock: VirtualClock, nodes: FakeNodes) -> None:
        self.client, self.clock, self.nodes = client, clock, nodes

    async def pod(self, name: str = "p", *, policy: str = "Always", more: Object | None = None, **said: str) -> None:
        """Make a pod on the first node; `said` are its annotations."""
        annotations = {f"wherry.dev/fake-{key.replace('_', '-')}": value for key, value in said.items()}
        spec = {
            "nodeName": "n-1",
            "restartPolicy": policy,
            "containers": [{"name": "main", "image": "app:1"}],
            **(more or {}),
        }
        metadata = {"name": name, "namespace": "default", "annotations": annotations}
        await self.client.create("pods", {"metadata": metadata, "spec": spec})
        await self.clock.settle()

    async def status(self, name: str = "p") -> Object:
        found: Object = (await self.client.get("pods", name, namespace="default"))["status"]
        return found

    async def seen(self, name: str = "p") -> tuple[str, str, bool, int]:
        """Phase, state with its reason, ready, restarts."""
        status = await self.status(name)
        entry = (status.get("containerStatuses") or [{}])[0]
        state = entry.get("state") or {"none": {}}
        kind = next(iter(state))
        reason = (state[kind] or {}).get("reason", "")
        return (
            status["phase"],
            f"{kind} {reason}".strip(),
            bool(entry.get("ready")),
            entry.get("restartCount", 0),
        )

    async def ready(self, name: str = "p") -> str:
        conditions = (await self.status(name)).get("conditions") or ()
        return next((c["status"] for c in conditions if c["type"] == "Ready"), "")

    async def is_there(self, name: str = "p") -> bool:
        try:
            await self.client.get("pods", name, namespace="default")
        except NotFound:
            return False
        return True


@asynccontextmanager
async def world(nodes: int = 1, **options: Any) -> AsyncIterator[World]:
    clock = VirtualClock(start=1_767_225_600.0, ticking=False)
    async with in_process_server(clock=clock) as server:
        client = client_of(server, clock=clock)
        wanted = [FakeNode(name=f"n-{number}", number=number) for number in range(1, nodes + 1)]
        component = FakeNodes(client=client, clock=clock, wanted=wanted, **options)
        task = asyncio.ensure_future(component.run())
        try:
            await clock.settle()
            assert component.ready.is_set()
            yield World(client, clock, component)
        finally:
            await cancel_and_wait(task)


async def test_nodes_are_ready_and_have_leases() -> None:
    async with world(3) as w:
        nodes = (await w.client.list("nodes"))["items"]
        assert [n["metadata"]["name"] for n in nodes] == ["n-1", "n-2", "n-3"]
        for node in nodes:
            assert {c["type"]: c["status"] for c in node["status"]["conditions"]}["Ready"] == "True"
        before = (await w.client.list("leases", namespace="kube-node-lease"))["items"]
        await w.clock.advance(20)
        after = (await w.client.list("leases", namespace="kube-node-lease"))["items"]
        assert len(after) == 3
        assert all(a["spec"]["renewTime"] > b["spec"]["renewTime"] for a, b in zip(after, before, strict=True))


async def test_a_node_that_a_user_makes_is_taken_care_of() -> None:
    async with world(0) as w:
        await w.client.create("nodes", {"metadata": {"name": "mine", "annotations": {"wherry.dev/fake": "true"}}})
        await w.client.create("nodes", {"metadata": {"name": "not-mine"}})
        await w.clock.advance(20)
        mine = await w.client.get("nodes", "mine")
        assert {c["type"]: c["status"] for c in mine["status"]["conditions"]}["Ready"] == "True"
        assert mine["status"]["capacity"]["pods"] == "110"
        assert not (await w.client.get("nodes", "not-mine"))["status"].get("conditions")
        leases = (await w.client.list("leases", namespace="kube-node-lease"))["items"]
        assert [lease["metadata"]["name"] for lease in leases] == ["mine"]


async def test_a_plain_pod_runs_at_once_with_an_address_of_its_own() -> None:
    async with world() as w:
        await w.pod("a")
        await w.pod("b")
        assert await w.seen("a") == ("Running", "running", True, 0)
        first, second = await w.status("a"), await w.status("b")
        assert (first["podIP"], second["podIP"]) == ("100.64.0.1", "100.64.0.2")
        assert await w.ready("a") == "True"


async def test_delays_before_running_and_being_ready() -> None:
    async with world() as w:
        await w.pod(start_delay="5s", ready_delay="10s")
        assert await w.seen() == ("Pending", "waiting ContainerCreating", False, 0)
        await w.clock.advance(5)
        assert await w.seen() == ("Running", "running", False, 0)
        await w.clock.advance(9)
        assert await w.ready() == "False"
        await w.clock.advance(1)
        assert await w.ready() == "True"


async def test_pods_end_well_or_badly() -> None:
    async with world() as w:
        await w.pod("good", policy="Never", run_time="20s")
        await w.pod("bad", policy="Never", run_time="20s", exit_code="3")
        await w.clock.advance(19)
        assert (await w.seen("good"))[0] == (await w.seen("bad"))[0] == "Running"
        await w.clock.advance(1)
        assert await w.seen("good") == ("Succeeded", "terminated Completed", False, 0)
        assert await w.seen("bad") == ("Failed", "terminated Error", False, 0)
        ended = (await w.status("bad"))["containerStatuses"][0]["state"]["terminated"]
        assert (ended["exitCode"], ended["startedAt"], ended["finishedAt"]) == (
            3,
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:20Z",
        )


async def test_a_crash_loop_backs_off() -> None:
    async with world() as w:
        await w.pod(run_time="5s", exit_code="1")
        starts = []
        for second in range(100):
            _, state, _, restarts = await w.seen()
            if state == "running" and len(starts) == restarts:
                starts.append(second)
            await w.clock.advance(1)
        # It runs for 5 s; then 10, 20, 40 s pass.
        assert starts == [0, 15, 40, 85]
        assert (await w.seen())[1] == "waiting CrashLoopBackOff"


async def test_an_image_that_cannot_be_pulled() -> None:
    async with world() as w:
        await w.pod(image_error="no such image")
        assert await w.seen() == ("Pending", "waiting ImagePullBackOff", False, 0)
        await w.client.delete("pods", "p", namespace="default")
        await w.clock.settle()
        assert not await w.is_there()


async def test_stopping_takes_its_time_but_no_longer_than_the_grace() -> None:
    async with world() as w:
        await w.pod("slow", stop_delay="20s")
        await w.pod("stubborn", stop_delay="1h")
        for name in ("slow", "stubborn"):
            await w.client.delete("pods", name, namespace="default")
        await w.clock.advance(19)
        assert await w.is_there("slow")
        await w.clock.advance(1)
        assert not await w.is_there("slow")
        await w.clock.advance(9)
        assert await w.is_there("stubborn")
        await w.clock.advance(1)
        assert not await w.is_there("stubborn")


async def test_a_readiness_gate_holds_a_pod_back() -> None:
    async with world() as w:
        await w.pod(more={"readinessGates": [{"conditionType": "example.com/ok"}]})
        assert (await w.seen())[2] is True
        assert await w.ready() == "False"
        patch = {"status": {"conditions": [{"type": "example.com/ok", "status": "True"}]}}
        await w.client.patch("pods", "p", patch, namespace="default", type="strategic", subresource="status")
        await w.clock.settle()
        assert await w.ready() == "True"


async def test_a_silent_node_does_nothing_until_it_is_back() -> None:
    async with world() as w:
        await w.pod("before")
        w.nodes.silence("n-1")
        lease = await w.client.get("leases", "n-1", namespace="kube-node-lease")
        await w.pod("after")
        await w.client.delete("pods", "before", namespace="default")
        await w.clock.advance(600)
        assert lease == await w.client.get("leases", "n-1", namespace="kube-node-lease")
        assert await w.seen("after") == ("Pending", "none", False, 0)
        assert await w.is_there("before")
        await w.nodes.revive("n-1")
        await w.clock.settle()
        assert await w.seen("after") == ("Running", "running", True, 0)
        assert not await w.is_there("before")


async def test_after_a_reboot_containers_run_again() -> None:
    async with world() as w:
        await w.pod("service")
        await w.pod("task", policy="Never")
        w.nodes.silence("n-1")
        await w.clock.advance(60)
        await w.nodes.revive("n-1", rebooted=True)
        await w.clock.settle()
        assert await w.seen("service") == ("Running", "running", True, 1)
        assert (await w.seen("task"))[0] == "Failed"


async def test_another_component_goes_on_where_the_first_was() -> None:
    async with world() as w:
        await w.pod("timed", policy="Never", run_time="60s")
        await w.pod("plain")
        await w.clock.advance(40)
        w.nodes.silence("n-1")  # the first does nothing more
        successor = FakeNodes(client=w.client, clock=w.clock)
        task = asyncio.ensure_future(successor.run())
        await w.clock.advance(19)
        assert (await w.seen("timed"))[0] == "Running"
        await w.clock.advance(2)
        assert (await w.seen("timed"))[0] == "Succeeded"
        await w.pod("next")
        assert (await w.status("next"))["podIP"] not in ("100.64.0.1", "100.64.0.2")
        await cancel_and_wait(task)


async def test_usage_adds_up_at_the_rate_that_is_told() -> None:
    async with world() as w:
        await w.pod(cpu="500m", memory="64Mi")
        await w.clock.advance(10)
        measured = w.nodes.measure("n-1")
        assert measured is not None
        [use] = measured.containers
        assert (use.pod, use.cpu_seconds, use.memory_bytes) == ("p", 5.0, 64 << 20)
        change = {"metadata": {"annotations": {"wherry.dev/fake-cpu": "2"}}}
        await w.client.patch("pods", "p", change, namespace="default")
        await w.clock.settle()
        w.nodes.measure("n-1")
        await w.clock.advance(10)
        measured = w.nodes.measure("n-1")
        assert measured is not None
        assert measured.containers[0].cpu_seconds == 25.0
        assert w.nodes.measure("elsewhere") is None


async def test_work_that_is_cut_off_has_failed() -> None:
    """A finalizer keeps the pod, as a job does until it has counted it."""
    async with world() as w:
        for name, policy in (("server", "Always"), ("work", "Never")):
            await w.pod(name, policy=policy, run_time="forever")
            held = {"metadata": {"finalizers": ["example.com/held"]}}
            await w.client.patch("pods", name, held, namespace="default")
            await w.client.delete("pods", name, namespace="default")
            await w.clock.advance(1)
        assert await w.seen("server") == ("Succeeded", "terminated Completed", False, 0)
        assert await w.seen("work") == ("Failed", "terminated Error", False, 0)
