"""The parts of a machine as coroutines that run until cancelled: the same whether they share a process or have their own.

A part is given its client and nothing else of the API server; `Connect` decides whether that is a call in the same process
or TLS to a port. Each part's code is loaded when it starts, so that the API server answers before.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wherry.api.errors import AlreadyExists, StatusError
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import keep_running
from wherry.client.client import Client
from wherry.client.informer import SharedInformers
from wherry.distro.config import ClusterConfig, StateDirectory
from wherry.distro.credentials import CONTROLLER_MANAGER, DNS, FAKE_NODES_USER, PROXY, SCHEDULER, Credentials
from wherry.policy.user import MASTERS

log = Logger("cluster")
FAKE_NODES = "fake-nodes"
CONTROL_PLANE_ROLE = "node-role.kubernetes.io/control-plane"
_RBAC = "rbac.authorization.k8s.io"
RENEWING_NODES = {
    "metadata": {"name": "wherry:node-autoapprove-certificate-rotation"},
    "roleRef": {
        "apiGroup": _RBAC,
        "kind": "ClusterRole",
        "name": "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
    },
    "subjects": [{"apiGroup": _RBAC, "kind": "Group", "name": "system:nodes"}],
}

MetricLines = Callable[[], Iterator[str]]
Part = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a part is towards the API server."""

    name: str
    groups: tuple[str, ...] = ()

    @property
    def file_name(self) -> str:
        """Of its certificate, where it needs one."""
        return self.name.removeprefix("system:").replace(":", "-")

    @property
    def agent(self) -> str:
        """How it introduces itself, which is also its name as a field manager: as the upstream part does."""
        name = self.name.removeprefix("system:")
        return "kubelet" if name.startswith("node:") or self.name == FAKE_NODES_USER else name


Connect = Callable[[Identity], Client]


def load() -> None:
    """Load the code of all parts now, for processes that are forked later and share it."""
    import wherry.controllers.manager
    import wherry.distro.node_stack
    import wherry.network.dns.component
    import wherry.scheduler.scheduler  # noqa: F401


def node_parts(config: ClusterConfig) -> list[str]:
    """The parts that make nodes, which are waited for at the start: one for each real node, one for all fake ones."""
    nodes = [config.node_name(number) for number in range(1, config.real_nodes + 1)]
    return [*nodes, *([FAKE_NODES] if config.pretended_nodes else [])]


def part_names(config: ClusterConfig) -> list[str]:
    """Every part but the API server, first what is waited for at the start. Pods that only pretend ask for no names."""
    scheduler = ["scheduler"] if config.scheduler else []
    return [*node_parts(config), "controllers", *scheduler, *(["dns"] if config.network != "fake" else [])]


class Parts:
    """Makes the parts of one machine. `on_ready` is called with a node's name when that node is registered and works.

    `metrics` is where parts put what they count, by name, for whoever shows it.
    """

    def __init__(
        self,
        *,
        state: StateDirectory,
        config: ClusterConfig,
        credentials: Credentials,
        clock: Clock,
        connect: Connect,
        on_ready: Callable[[str], None],
        metrics: dict[str, MetricLines] | None = None,
    ) -> None:
        self._state = state
        self._config = config
        self._credentials = credentials
        self._clock = clock
        self._connect = connect
        self._on_ready = on_ready
        self._metrics = {} if metrics is None else metrics

    def all(self) -> dict[str, Part]:
        """Every part but the API server, by name."""
        known: dict[str, Part] = {"controllers": self.controllers, "scheduler": self.scheduler, "dns": self.dns}
        known[FAKE_NODES] = self.fake_nodes
        for number in range(1, self._config.real_nodes + 1):
            known[self._config.node_name(number)] = self._node_part(number)
        return {name: known[name] for name in part_names(self._config)}

    async def controllers(self) -> None:
        from wherry.apiserver.authentication.jwt import SigningKey
        from wherry.controllers.context import Config as ControllerConfig
        from wherry.controllers.manager import ControllerManager
        from wherry.controllers.names import selected
        from wherry.node.fakes.heartbeats import grace_seconds

        client = self._connect(Identity(CONTROLLER_MANAGER, (MASTERS,)))
        credentials = self._credentials
        config = ControllerConfig(
            root_ca=credentials.ca.decode(),
            sign_token=SigningKey(credentials.signing_key).sign,
            signing_authority=(credentials.ca, credentials.authority.pair.key.read_bytes()),
            volume_root=self._volume_root,
            load_balancer_pool=self._config.load_balancer_pool,
            node_monitor_grace=grace_seconds(self._config.pretended_nodes, virtual=self._config.clock == "virtual"),
        )
        enabled = selected(self._config.controllers)

        async def lead() -> None:
            manager = ControllerManager(client, self._clock, config, enabled=enabled)
            self._metrics["controllers"] = manager.metric_lines
            await manager.run()

        await self._led("kube-controller-manager", client, lead)

    def _volume_root(self, node: str) -> Path | None:
        """Only nodes of this cluster that are real have volumes on disk."""
        config = self._config
        known = {config.node_name(number) for number in range(1, config.real_nodes + 1)}
        return self._state.node_volumes(node) if node in known else None

    async def scheduler(self) -> None:
        from wherry.scheduler.scheduler import Scheduler

        client = self._connect(Identity(SCHEDULER))
        config = None
        if self._config.scheduler_config:
            from wherry.scheduler.configuration.reading import read_config

            config = read_config(self._config.scheduler_config)

        async def lead() -> None:
            informers = SharedInformers(client)
            scheduler = Scheduler(client=client, informers=informers, clock=self._clock, config=config)
            self._metrics["scheduler"] = scheduler.metric_lines
            async with asyncio.TaskGroup() as group:
                group.create_task(keep_running("scheduler informers", informers.run, clock=self._clock, log=log))
                group.create_task(scheduler.run())

        await self._led("kube-scheduler", client, lead)

    async def _led(self, lease: str, client: Client, lead: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Work, or, where leaders are elected, work while we are the one."""
        if not self._config.leader_elect:
            return await lead()
        from wherry.client.election import LeaderElector

        identity = f"{socket.gethostname()}_wherry-{self._config.name}-{os.getpid()}"
        elector = LeaderElector(client, name=lease, identity=identity, lead=lead, clock=self._clock, log=log)
        return await elector.run()

    async def fake_nodes(self) -> None:
        from wherry.distro.fake_nodes import open_fake_nodes

        client = self._connect(Identity(FAKE_NODES_USER, (MASTERS,)))
        nodes, server, renewal = open_fake_nodes(self._config, self._credentials, client=client, clock=self._clock)
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_running("fake nodes", nodes.run, clock=self._clock, log=log))
            group.create_task(keep_running("fake nodes' server", server.run, clock=self._clock, log=log))
            if self._config.clock != "virtual":
                group.create_task(renewal.run())
            await nodes.ready.wait()
            self._on_ready(FAKE_NODES)
            if self._config.runtime == "fake":
                await self._remove_surplus(client)

    async def dns(self) -> None:
        from wherry.distro import networks

        client = self._connect(Identity(DNS, (MASTERS,)))
        informers = SharedInformers(client)
        server = networks.dns_server(self._config, client, informers, self._clock)
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_running("dns informers", informers.run, clock=self._clock, log=log))
            group.create_task(server.run())

    def _node_part(self, number: int) -> Part:
        return lambda: self.node(number)

    async def node(self, number: int) -> None:
        from wherry.distro import networks
        from wherry.distro.node_stack import open_node

        name = self._config.node_name(number)
        client = self._connect(Identity(f"system:node:{name}", ("system:nodes",)))
        informers = SharedInformers(client)
        # Not the node's own: a node may read its Services, but not the cluster's endpoints. A proxy in front of processes
        # on the machine's own network reads pods too, to know the ports they listen at.
        proxy_groups = (MASTERS,) if self._config.network == "loopback" else ()
        proxy_informers = SharedInformers(self._connect(Identity(PROXY, proxy_groups)))
        stack = await open_node(
            self._state,
            self._config,
            self._credentials,
            number,
            client=client,
            informers=informers,
            proxy_informers=proxy_informers,
            clock=self._clock,
        )
        async with asyncio.TaskGroup() as group:
            for one in (informers, proxy_informers):
                group.create_task(keep_running(f"{name} informers", one.run, clock=self._clock, log=log))
            group.create_task(stack.run())
            if number == 1 and (routes := networks.balancer_routes(self._config, proxy_informers, self._clock)):
                group.create_task(keep_running("load balancers' routes", routes.run, clock=self._clock, log=log))
            await stack.agent.ready.wait()
            if number == 1:
                await self._mark_control_plane(name)
                await self._let_nodes_renew()
            self._on_ready(name)
            if number == 1:
                await self._remove_surplus(self._connect(Identity(CONTROLLER_MANAGER, (MASTERS,))))

    async def _remove_surplus(self, client: Client) -> None:
        """After a start with fewer nodes than before."""
        from wherry.distro.surplus import remove_surplus
        from wherry.node.runtimes.port import RuntimeFailure

        if self._config.memory:
            return  # nothing is there from before
        try:
            await remove_surplus(self._config, self._state, client, self._clock)
        except (StatusError, ConnectionError, OSError, RuntimeFailure) as error:
            log.warning("nodes that the cluster has no more could not be removed", error=str(error))

    async def _let_nodes_renew(self) -> None:
        """Nodes may have their client certificates renewed without being asked: no default role says so, kubeadm does."""
        client = self._connect(Identity(CONTROLLER_MANAGER, (MASTERS,)))
        try:
            await client.create("clusterrolebindings.rbac.authorization.k8s.io", RENEWING_NODES)
        except AlreadyExists:
            pass
        except (StatusError, ConnectionError, OSError) as error:
            log.warning("nodes may not renew their certificates", error=str(error))

    async def _mark_control_plane(self, name: str) -> None:
        """A node may not give itself a role, so that the control plane does."""
        client = self._connect(Identity(CONTROLLER_MANAGER, (MASTERS,)))
        try:
            await client.patch("nodes", name, {"metadata": {"labels": {CONTROL_PLANE_ROLE: ""}}})
        except (StatusError, ConnectionError, OSError) as error:
            log.warning("could not label the node with its role", node=name, error=str(error))
