"""Whatever happens to claims, volumes and their controllers, in the end what is bound is bound on both sides, and once."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from wherry.api.errors import Conflict, NotFound
from wherry.controllers.context import Config
from wherry.policy.volumes import facts, matching
from wherry.testing.controllers import Cluster, running
from wherry.testing.storage import claim, volume

CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"
CONTROLLERS = (
    "persistentvolume-binder",
    "local-provisioner",
    "default-storage-class",
    "pv-protection",
    "pvc-protection",
    "persistentvolume-expander",
)
STEPS = 40
SELECTED = {"metadata": {"annotations": {facts.SELECTED_NODE: "node-1"}}}


class History:
    """Random changes, among them faults."""

    def __init__(self, cluster: Cluster, rng: random.Random) -> None:
        self.cluster = cluster
        self.rng = rng
        self.count = 0

    async def step(self) -> None:
        act = self.rng.choice(
            [self.claim, self.claim, self.volume, self.place, self.grow, self.remove, self.remove, self.disturb]
        )
        try:
            await act()
        except (NotFound, Conflict):
            pass
        await self.cluster.settle(self.rng.choice([0, 0, 0, 1, 5]))

    async def claim(self) -> None:
        self.count += 1
        more: dict[str, Any] = self.rng.choice([{}, {"storageClassName": ""}, {"storageClassName": ""}])
        if more and self.rng.random() < 0.2:
            more = {**more, "volumeName": f"v{self.rng.randrange(1, self.count + 1)}"}
        await self.cluster.client.create(CLAIMS, claim(f"c{self.count}", f"{self.rng.randint(1, 3)}Gi", **more))

    async def volume(self) -> None:
        self.count += 1
        more: dict[str, Any] = {}
        if self.rng.random() < 0.2:
            more["claimRef"] = {"namespace": "default", "name": f"c{self.rng.randrange(1, self.count + 1)}"}
        await self.cluster.client.create(VOLUMES, volume(f"v{self.count}", f"{self.rng.randint(1, 4)}Gi", **more))

    async def _any(self, resource: str) -> str:
        found = (await self.cluster.client.list(resource))["items"]
        if not found:
            raise NotFound("there is none")
        return str(self.rng.choice(found)["metadata"]["name"])

    async def place(self) -> None:
        for each in await self.cluster.all(CLAIMS):
            if each["spec"].get("storageClassName") and not each["spec"].get("volumeName"):
                await self.cluster.patch(CLAIMS, each["metadata"]["name"], SELECTED)

    async def grow(self) -> None:
        name = await self._any(CLAIMS)
        found = await self.cluster.get(CLAIMS, name)
        if found["spec"].get("storageClassName") == "standard" and facts.phase(found) == "Bound":
            await self.cluster.patch(CLAIMS, name, {"spec": {"resources": {"requests": {"storage": "5Gi"}}}})

    async def remove(self) -> None:
        if self.rng.random() < 0.7:
            await self.cluster.client.delete(CLAIMS, await self._any(CLAIMS), namespace="default")
        else:
            await self.cluster.client.delete(VOLUMES, await self._any(VOLUMES))

    async def disturb(self) -> None:
        rng, faults = self.rng, self.cluster.faults
        kind = rng.randrange(4)
        faults.refuse = lambda method, path: (
            ConnectionResetError() if kind == 1 and method != "GET" and rng.random() < 0.4 else None
        )
        faults.lose = lambda method, path: kind == 2 and method != "GET" and rng.random() < 0.4
        if kind == 3:
            await self.cluster.restart()


async def check(cluster: Cluster, root: Path) -> None:
    claims = {c["metadata"]["uid"]: c for c in (await cluster.client.list(CLAIMS))["items"]}
    volumes = {v["metadata"]["name"]: v for v in (await cluster.client.list(VOLUMES))["items"]}
    bound = [c for c in claims.values() if facts.phase(c) == "Bound"]
    names = [c["spec"]["volumeName"] for c in bound]
    assert len(names) == len(set(names)), "a volume for two claims"
    for each in bound:
        mine = volumes[each["spec"]["volumeName"]]
        assert mine["spec"]["claimRef"]["uid"] == each["metadata"]["uid"] and facts.phase(mine) == "Bound"
        assert facts.requested(each) <= facts.capacity(mine), "it has not grown"
        assert "conditions" not in each["status"], "it still grows"
    for each in volumes.values():
        if facts.phase(each) == "Bound":
            its = claims[each["spec"]["claimRef"]["uid"]]
            assert its["spec"]["volumeName"] == each["metadata"]["name"]
        else:
            assert not each["metadata"].get("deletionTimestamp"), f"held by {each['metadata'].get('finalizers')}"
            assert facts.phase(each) == "Available" or (each["spec"].get("claimRef") or {}).get("uid") not in claims
    for each in claims.values():
        assert not each["metadata"].get("deletionTimestamp")
        if facts.phase(each) == "Pending" and each["spec"].get("storageClassName") == "":
            if not each["spec"].get("volumeName"):
                assert matching.find(each, volumes.values()) is None, "there is a volume for it"
        elif facts.phase(each) == "Pending" and facts.SELECTED_NODE in facts.marks(each):
            raise AssertionError("nobody made its volume")
    made = {name for name, each in volumes.items() if facts.PROVISIONED_BY in facts.marks(each)}
    check_directories(made, root)


def check_directories(made: set[str], root: Path) -> None:
    left = {path.name for path in root.glob("*/*")}
    assert made <= left, "a volume without a directory"
    assert not {name for name in left - made if not name.startswith("pvc-")}, "half removed"


@pytest.mark.parametrize("seed", range(6))
async def test_bound_on_both_sides_and_once(seed: int, tmp_path: Path) -> None:
    config = Config(volume_root=lambda node: tmp_path / node)
    async with running(*CONTROLLERS, config=config) as cluster:
        history = History(cluster, random.Random(seed))
        for _ in range(STEPS):
            await history.step()
        cluster.faults.refuse = lambda method, path: None
        cluster.faults.lose = lambda method, path: False
        for _ in range(30):
            await cluster.settle(10)
            for _ in range(50):  # directories are removed in a thread
                await asyncio.sleep(0)
        await check(cluster, tmp_path)
