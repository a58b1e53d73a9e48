"""A cluster that comes back with fewer nodes."""

from __future__ import annotations

from pathlib import Path

from wherry.base.fake_clock import FakeClock
from wherry.distro.config import ClusterConfig, StateDirectory
from wherry.distro.surplus import remove_surplus, surplus_directories
from wherry.testing.apiserver import client_of, in_process_server


def config(**fields: int | str) -> ClusterConfig:
    given = {"index": 0, "runtime": "process", "port": 1, "network": "loopback", "nodes": 1, **fields}
    return ClusterConfig(name="dev", **given)  # type: ignore[arg-type]


async def test_nodes_that_are_gone_lose_their_objects_and_their_directories(tmp_path: Path) -> None:
    state, clock = StateDirectory(tmp_path), FakeClock()
    for name in ("dev-1", "dev-2"):
        (state.node(name) / "runtime").mkdir(parents=True)
    providers = {
        "dev-1": "wherry://dev/dev-1",
        "dev-2": "wherry://dev/dev-2",
        "dev-fake-1": "wherry-fake://dev-fake-1",
        "dev-fake-2": "wherry-fake://dev-fake-2",
        "joined": "",
        "foreign": "wherry://other/foreign",
    }
    async with in_process_server(clock=clock) as server:
        client = client_of(server, clock=clock)
        for name, provider in providers.items():
            await client.create("nodes", {"metadata": {"name": name}, "spec": {"providerID": provider}})
        await remove_surplus(config(fake_nodes=1), state, client, clock)
        left = [node["metadata"]["name"] for node in (await client.list("nodes"))["items"]]
    assert left == ["dev-1", "dev-fake-1", "foreign", "joined"]
    assert [path.name for path in state.nodes.iterdir()] == ["dev-1"]


def test_a_cluster_of_fake_nodes_has_no_directories(tmp_path: Path) -> None:
    assert surplus_directories(config(runtime="fake"), StateDirectory(tmp_path)) == []
