"""Random lives of pods on one node, with agents that die in between: what must hold always, and at the end."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from wherry.node.pod.observed import is_running
from wherry.node.runtimes.fake.behaviour import Behaviour
from wherry.testing.nodes import TestNode, test_node
from wherry.testing.pods import container, pod, sidecar

STEPS = 40
NAMES = [f"p{number}" for number in range(5)]


class Life:
    """One random history."""

    def __init__(self, node: TestNode, seed: int) -> None:
        self.node = node
        self.random = random.Random(seed)
        self.story: list[str] = []

    async def step(self) -> None:
        name = self.random.choice(NAMES)
        action = self.random.choice(("create", "create", "delete", "force", "die", "end", "wait", "wait"))
        self.story.append(f"{action} {name}")
        await getattr(self, f"_{action}")(name)
        self.check_always()

    async def _create(self, name: str) -> None:
        if await self.node.exists(name):
            return
        self.node.behaviours[name] = Behaviour(
            exit_after_seconds=self.random.choice((None, None, 0.5, 3, 30)),
            exit_code=self.random.choice((0, 1)),
            start_seconds=self.random.choice((0.0, 0.2)),
            ignores=frozenset(self.random.choice(((), ("SIGTERM",)))),
        )
        init = [container("i"), sidecar("s")][: self.random.randrange(3)]
        self.node.behaviours["i"] = Behaviour(exit_after_seconds=0.3, exit_code=self.random.choice((0, 0, 1)))
        wanted = pod(
            name,
            init=init,
            policy=self.random.choice(("Always", "OnFailure", "Never")),
            name=name,
            terminationGracePeriodSeconds=self.random.choice((1, 5)),
        )
        await self.node.run_pod(wanted, seconds=self.random.choice((0.0, 0.1, 1.0)))

    async def _delete(self, name: str) -> None:
        if await self.node.exists(name):
            await self.node.delete(name)

    async def _force(self, name: str) -> None:
        if await self.node.exists(name):
            await self.node.delete(name, grace_period_seconds=0)

    async def _die(self, name: str) -> None:
        await self.node.stop()
        await self.node.clock.advance(self.random.choice((0.0, 2.0)))
        await self.node.start()

    async def _end(self, name: str) -> None:
        running = [one for one in self.node.machine.containers.values() if is_running(one.state)]
        if running:
            self.node.machine.end(self.random.choice(running), self.random.choice((0, 137)))

    async def _wait(self, name: str) -> None:
        await self.node.clock.advance(self.random.choice((0.1, 1.0, 12.0, 120.0)))

    def check_always(self) -> None:
        running = [state for state in self.node.runtime.containers() if is_running(state)]
        twice = [key for key, count in Counter((one.pod_uid, one.name) for one in running).items() if count > 1]
        assert not twice, self.story
        addresses = [one.addresses for one in self.node.network.attached().values()]
        assert len(addresses) == len(set(addresses)), self.story

    async def check_statuses(self) -> None:
        """What the API says is what runs."""
        for found in (await self.node.client.list("pods"))["items"]:
            uid, status = found["metadata"]["uid"], found["status"]
            running = {one.name for one in self.node.runtime.containers() if one.pod_uid == uid and is_running(one)}
            entries = [*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ())]
            assert {one["name"] for one in entries if "running" in one["state"]} == running, self.story
            if status["phase"] in ("Succeeded", "Failed"):
                assert not running and uid not in self.node.network.attached(), self.story

    async def check_end(self) -> None:
        for name in NAMES:
            await self._delete(name)
        await self.node.clock.advance(60)
        assert not (await self.node.client.list("pods"))["items"], self.story
        assert not self.node.runtime.containers() and not self.node.runtime.sandboxes(), self.story
        assert not self.node.network.attached(), self.story
        left = [*self.node.config.logs_root.iterdir(), *self.node.config.files_root.iterdir()]
        assert not left, (self.story, left)


@pytest.mark.parametrize("seed", range(12))
async def test_any_life(tmp_path: Path, seed: int) -> None:
    async with test_node(tmp_path) as node:
        life = Life(node, seed)
        for _ in range(STEPS):
            await life.step()
        await node.clock.advance(0.4)
        await life.check_statuses()
        await life.check_end()
