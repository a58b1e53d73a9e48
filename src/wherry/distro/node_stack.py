"""Everything that makes one node: its network, its runtime, its agent and its server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import keep_running
from wherry.client.client import Client
from wherry.client.informer import SharedInformers
from wherry.distro import machine, networks
from wherry.distro.config import ClusterConfig, StateDirectory
from wherry.distro.control_plane import server_context
from wherry.distro.credentials import KUBELET_CLIENT, Credentials, serving_profile
from wherry.distro.rotation import node_rotation
from wherry.node.agent import NodeAgent
from wherry.node.certificates.request import SERVING_SIGNER
from wherry.node.config import NodeConfig
from wherry.node.runtimes.port import Runtime
from wherry.node.server.app import NodeServer, only_names

KUBELET_PORT = 10250


def make_runtime(config: ClusterConfig, state: StateDirectory, node: str, clock: Clock) -> Runtime:
    """The runtime of one node; images are shared by all nodes of the machine."""
    root = state.node(node) / "runtime"
    if config.runtime == "oci":
        from wherry.node.images.store import ImageStore
        from wherry.node.runtimes.oci.runtime import OciRuntime

        return OciRuntime(
            root=root,
            images=ImageStore(state.images, clock=clock, registries=True),
            clock=clock,
            cgroup=f"wherry{config.index}-{config.name}/{node}",
            state_directory=state.path,
            program=machine.oci_command(),
        )
    from wherry.node.runtimes.process.runtime import ProcessRuntime

    return ProcessRuntime(root=root, clock=clock)


def node_config(config: ClusterConfig, root: Path, number: int) -> NodeConfig:
    """Nodes that share the host's address listen at ports of their own."""
    own_address = config.network == "namespaces"
    return NodeConfig(
        name=config.node_name(number),
        root=root,
        server_port=KUBELET_PORT if own_address else config.port + 3000 + number,
        pod_cidrs=(config.node_pod_cidr(number),),
        provider_id=f"wherry://{config.name}/{config.node_name(number)}",
    )


@dataclass(slots=True)
class NodeStack:
    """One node's parts. `run` until cancelled; `ready` is the agent's."""

    agent: NodeAgent
    server: NodeServer
    proxy: networks.Runnable | None
    clock: Clock
    name: str
    rotation: networks.Runnable
    """Of its serving certificate."""
    health: networks.Runnable | None
    """Tells load balancers which Services the node serves."""

    async def run(self) -> None:
        log = Logger("node")
        parts: dict[str, networks.Runnable | None] = {
            "agent": self.agent,
            "server": self.server,
            "proxy": self.proxy,
            "certificate": self.rotation,
            "health checks": self.health,
        }
        async with asyncio.TaskGroup() as group:
            for name, part in parts.items():
                if part is not None:
                    group.create_task(keep_running(f"{self.name} {name}", part.run, clock=self.clock, log=log))


async def open_node(
    state: StateDirectory,
    config: ClusterConfig,
    credentials: Credentials,
    number: int,
    *,
    client: Client,
    informers: SharedInformers,
    proxy_informers: SharedInformers,
    clock: Clock,
) -> NodeStack:
    """Make the node's side of the network and put its parts together; nothing runs yet."""
    name = config.node_name(number)
    directory = state.node(name)
    settings = node_config(config, directory, number)
    network = networks.node_network(config, state, number)
    await network.open()
    sockets = networks.node_sockets(config, network, settings.server_port)
    settings = replace(settings, server_port=sockets[0].getsockname()[1])
    runtime = make_runtime(config, state, name, clock)
    agent = NodeAgent(
        client=client, runtime=runtime, network=network, clock=clock, config=settings, informers=informers
    )
    authority, file_name = credentials.authority, f"node-{name}-serving"
    profile = serving_profile(name, tuple(network.node_addresses))
    tls = server_context(authority.issue(file_name, profile), authority.pair)
    rotation = node_rotation(
        authority, file_name, profile, node=name, signer=SERVING_SIGNER, context=tls, client=client, clock=clock
    )
    server = NodeServer(
        pods=agent,
        runtime=runtime,
        network=network,
        authorize=only_names({KUBELET_CLIENT}),
        clock=clock,
        tls=tls,
        node_name=name,
        hosts=("127.0.0.1",),
        port=settings.server_port,
        sockets=sockets,
    )
    proxy = networks.node_proxy(config, network, proxy_informers, clock, name)
    health = networks.health_checks(config, network, proxy_informers, clock, name)
    return NodeStack(agent, server, proxy, clock, name, rotation, health)
