"""Stopping a cluster, and taking away what it made: also what a killed process left behind."""

from __future__ import annotations

import asyncio

from wherry.base.clock import RealClock
from wherry.distro import daemon, kubeconfig, networks
from wherry.distro.config import ClusterConfig, ConfigError, StateDirectory
from wherry.distro.lifecycle import forget
from wherry.distro.node_stack import make_runtime
from wherry.node.volumes.mount_calls import unmount_all_below

GRACE_SECONDS = 15.0


def halt(state: StateDirectory, config: ClusterConfig) -> bool:
    """End the cluster's process, its containers and its networks; the state stays. Tells whether it was running."""
    was_running = daemon.stop(state, grace_seconds=GRACE_SECONDS)
    asyncio.run(_clear(state, config))
    return was_running


def empty(state: StateDirectory, config: ClusterConfig) -> None:
    """Stop, and throw away every object; certificates, images and configuration stay."""
    halt(state, config)
    for file in state.path.glob(f"{state.store.name}*"):
        file.unlink()


def remove(state: StateDirectory, name: str) -> None:
    """Stop, and leave nothing. A directory that is not a whole cluster any more is removed as far as it is ours."""
    try:
        config = state.load()
    except ConfigError:
        if not state.pki.exists() and any(state.path.iterdir()):
            raise
        daemon.stop(state, grace_seconds=GRACE_SECONDS)
        forget(state, name)
        return
    halt(state, config)
    kubeconfig.remove_from_user_file(config)
    forget(state, name)


async def _clear(state: StateDirectory, config: ClusterConfig) -> None:
    """Remove the containers of every node, then the networks."""
    clock = RealClock()
    for number in range(1, config.nodes + 1):
        name = config.node_name(number)
        if config.runtime == "fake" or not state.node(name).exists():
            continue
        runtime = make_runtime(config, state, name, clock)
        await runtime.open()
        try:
            await asyncio.gather(*(runtime.remove_sandbox(uid) for uid in list(runtime.sandboxes())))
        finally:
            await runtime.close()
            unmount_all_below(state.node(name))
    if host := networks.host_network(config, state):
        await host.remove()
