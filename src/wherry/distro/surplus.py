"""Nodes that a cluster had and has no more: their objects and what is left of them on the machine.

A cluster that comes back with fewer nodes would otherwise show the others as NotReady for ever, and, after a kill, leave
their containers running.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterable

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.base import netns
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.client.client import Client
from wherry.distro import networks
from wherry.distro.config import ClusterConfig, StateDirectory
from wherry.node.runtimes.port import Runtime
from wherry.node.volumes.mount_calls import unmount_all_below

log = Logger("cluster")

MakeRuntime = Callable[[str], Runtime]
"""The runtime of a node of that name."""


def node_names(config: ClusterConfig) -> frozenset[str]:
    """Of all nodes that the cluster has, real ones and others."""
    own = (config.node_name(number) for number in range(1, config.nodes + 1))
    return frozenset((*own, *(config.fake_node_name(number) for number in range(1, config.fake_nodes + 1))))


def surplus_objects(config: ClusterConfig, nodes: Iterable[Object]) -> list[str]:
    """Names of Node objects that this cluster made, for nodes that it has no more; nodes of others are left alone."""
    known = node_names(config)
    own = (f"wherry://{config.name}/", "wherry-fake://")
    return [
        node["metadata"]["name"]
        for node in nodes
        if node["metadata"]["name"] not in known and (node["spec"].get("providerID") or "").startswith(own)
    ]


def surplus_directories(config: ClusterConfig, state: StateDirectory) -> list[str]:
    """Names of nodes that have left something on this machine, and are not the cluster's any more."""
    known = {config.node_name(number) for number in range(1, config.real_nodes + 1)}
    found = sorted(path.name for path in state.nodes.iterdir()) if state.nodes.is_dir() else []
    return [name for name in found if name not in known]


async def remove_objects(client: Client, names: Iterable[str]) -> None:
    """Raises what requests raise."""
    for name in names:
        log.info("removing a node that the cluster has no more", node=name)
        try:
            await client.delete("nodes", name)
        except NotFound:
            continue


async def remove_remains(
    config: ClusterConfig, state: StateDirectory, names: Iterable[str], make_runtime: MakeRuntime
) -> None:
    """Containers, mounts, the network's namespace and the directory. Raises `RuntimeFailure`, `OSError`."""
    for name in names:
        runtime = make_runtime(name)
        await runtime.open()
        try:
            await asyncio.gather(*(runtime.remove_sandbox(uid) for uid in list(runtime.sandboxes())))
        finally:
            await runtime.close()
        unmount_all_below(state.node(name))
        if config.network == "namespaces":
            netns.delete(f"{networks.plan_of(config).prefix}node.{name}")
        await asyncio.to_thread(shutil.rmtree, state.node(name))


async def remove_surplus(config: ClusterConfig, state: StateDirectory, client: Client, clock: Clock) -> None:
    """All of it. Raises what requests, runtimes and files raise."""
    from wherry.distro.node_stack import make_runtime

    nodes = (await client.list("nodes"))["items"]
    await remove_objects(client, surplus_objects(config, nodes))
    if config.runtime != "fake":
        remains = surplus_directories(config, state)
        await remove_remains(config, state, remains, lambda name: make_runtime(config, state, name, clock))
