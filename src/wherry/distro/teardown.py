"""Stopping a cluster, and taking away what it made: also what a killed process left behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from wherry.api.pod_network import NetworkFailure
from wherry.base.clock import RealClock
from wherry.client.kubeconfig import KubeconfigError
from wherry.distro import daemon, kubeconfig, networks
from wherry.distro.config import ClusterConfig, ConfigError, StateDirectory
from wherry.distro.lifecycle import forget
from wherry.distro.node_stack import make_runtime
from wherry.distro.salvage import salvage
from wherry.node.farewell import ask_to_end
from wherry.node.runtimes.port import Runtime, RuntimeFailure
from wherry.node.volumes.mount_calls import unmount_all_below

GRACE_SECONDS = 15.0
_LOCK_SECONDS = 5.0
Tell = Callable[[int], None]


def halt(
    state: StateDirectory, config: ClusterConfig, *, pod_seconds: float = 0.0, tell: Tell = lambda running: None
) -> bool:
    """End the cluster's process, its containers and its networks; the state stays. Tells whether it was running.

    Containers get the grace period of their pods, but at most `pod_seconds`; `tell` hears how many are left on a node.
    """
    was_running = daemon.stop(state, grace_seconds=GRACE_SECONDS)
    asyncio.run(_clear(state, config, pod_seconds, tell))
    return was_running


def empty(state: StateDirectory, config: ClusterConfig) -> None:
    """Stop, and throw away every object; certificates, images and configuration stay."""
    halt(state, config)
    for file in state.path.glob(f"{state.store.name}*"):
        file.unlink()


def remove(state: StateDirectory, name: str) -> None:
    """Stop, and leave nothing but what is not ours. Raises `ConfigError`, and then may be called again."""
    try:
        config = state.load()
    except ConfigError:
        if not state.exists() and state.foreign():
            raise
        config = salvage(state, name)
    halt(state, config)
    forget(state, name)
    try:
        kubeconfig.remove_from_user_file(config)
    except (KubeconfigError, OSError) as error:
        raise ConfigError(f"the cluster is gone, but not its context {config.context}: {error}") from error


async def _clear(state: StateDirectory, config: ClusterConfig, pod_seconds: float, tell: Tell) -> None:
    """Remove the containers of every node, then the networks. Raises `ConfigError`."""
    left: dict[str, int] = {}

    def count(node: str, running: int) -> None:
        left[node] = running
        tell(sum(left.values()))

    nodes = [node.name for node in state.nodes.iterdir()] if state.nodes.is_dir() and config.runtime != "fake" else []
    try:
        # All nodes at once: they share the time that an impatient user gives them.
        await asyncio.gather(*(_clear_node(state, config, name, pod_seconds, partial(count, name)) for name in nodes))
        if host := networks.host_network(config, state):
            await host.remove()
    except (RuntimeFailure, NetworkFailure) as error:
        raise ConfigError(f"cluster {config.name} cannot be stopped whole: {error}; try again") from error


async def _clear_node(state: StateDirectory, config: ClusterConfig, name: str, pod_seconds: float, tell: Tell) -> None:
    clock = RealClock()
    runtime = await _open(lambda: make_runtime(config, state, name, clock))
    try:
        await ask_to_end(runtime, clock=clock, most_seconds=pod_seconds, tell=tell)
        await asyncio.gather(*(runtime.remove_sandbox(uid) for uid in list(runtime.sandboxes())))
    finally:
        await runtime.close()
        unmount_all_below(state.node(name))


async def _open(make: Callable[[], Runtime]) -> Runtime:
    """An open runtime. The node's process may need a moment yet to end: its lock is waited for."""
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        runtime = make()
        try:
            await runtime.open()
            return runtime
        except RuntimeFailure:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
