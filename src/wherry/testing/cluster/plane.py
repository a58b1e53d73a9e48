"""A whole control plane put together in one process: store, API server, controllers, scheduler, fake nodes.

Everything here runs on the home's event loop. A fork starts from the state of the store and with a clock that shows the same;
its controllers and nodes begin as after a restart, knowing nothing but what the API tells.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import socket
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wherry.api.types import Object
from wherry.apiserver.app import ApiServer
from wherry.apiserver.config import ServerConfig
from wherry.apiserver.proxying.stages import proxy_stages
from wherry.apiserver.resourcemetrics.api import ResourceMetrics
from wherry.apiserver.resourcemetrics.fetching import NodeFetch
from wherry.apiserver.serving import wire_options
from wherry.apiserver.streaming.stages import pod_stream_stages
from wherry.base.clock import Clock, RealClock
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait, keep_running
from wherry.base.virtual_clock import VirtualClock
from wherry.client.client import Client
from wherry.client.in_process import InProcessTransport
from wherry.client.informer import SharedInformers
from wherry.controllers.context import Config as ControllerConfig
from wherry.controllers.manager import ControllerManager
from wherry.controllers.names import selected
from wherry.distro.credentials import CONTROLLER_MANAGER, FAKE_NODES_USER, SCHEDULER
from wherry.node.fakes.heartbeats import grace_seconds
from wherry.node.fakes.nodes import FakeNode, FakeNodes
from wherry.node.fakes.server import FakeNodeServer
from wherry.policy.user import AUTHENTICATED, MASTERS, User
from wherry.scheduler.scheduler import Scheduler
from wherry.store.compactor import Compactor
from wherry.store.memory import open_memory
from wherry.store.port import Store
from wherry.testing.cluster.faults import Gate
from wherry.testing.cluster.keys import Keys, make_keys
from wherry.wire.client import HttpClient
from wherry.wire.listen import listen
from wherry.wire.messages import Request, Response
from wherry.wire.server import Server, serve
from wherry.wire.server_connection import ServerConnection
from wherry.wire.server_options import ServerOptions

ADMIN = User("kubernetes-admin", (MASTERS, AUTHENTICATED))
CONTROLLERS, SCHEDULING, NODES = "controllers", "scheduler", "nodes"
LOAD_BALANCERS = "10.130.0.0/24"
"""The addresses of Services of type LoadBalancer."""
WAKE_SECONDS = 0.01
GLANCE_SECONDS = 0.002
_LOG = Logger("testing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a cluster is made of. `clock`: virtual (ticks, can be moved), stopped (moves when told) or real."""

    nodes: int = 1
    clock: str = "virtual"
    start: float | None = None
    """What a virtual or stopped clock shows first, in seconds since 1970; by default the machine's time."""
    controllers: str = "*"
    scheduler: bool = True
    seed: int = 0


def clock_of(options: Options) -> Clock:
    """Raises `ValueError` for an unknown kind."""
    if options.clock == "real":
        return RealClock()
    if options.clock not in ("virtual", "stopped"):
        raise ValueError(f"clock {options.clock!r}: choose virtual, stopped or real")
    return VirtualClock(start=options.start, ticking=options.clock == "virtual")


class Plane:
    """A running cluster. Make it with `open_plane` or `fork`; `close` takes everything down."""

    def __init__(self, options: Options, *, store: Store, clock: Clock, keys: Keys, directory: Path) -> None:
        self.options = options
        self.store = store
        self.clock = clock
        self.keys = keys
        self.directory = directory
        self.dead: dict[str, bool] = {}
        """Nodes that are down, and whether they were killed (else only cut off)."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._awake = False
        self.nodes: FakeNodes | None = None
        """None until they have been started."""
        self._links = _NodeLinks(self)

    async def open(self) -> None:
        """Listen; the parts follow a moment later."""
        sockets = listen(("127.0.0.1",), 0)
        port: int = sockets[0].getsockname()[1]
        self.url = f"https://127.0.0.1:{port}"
        self._http = HttpClient(clock=RealClock())
        # Fake pods use always the same: the time since their start tells as much as a second that would have to pass.
        fetch = NodeFetch(http=self._http, tls=None, dial=self._links.dial)
        self.usage = ResourceMetrics(store=self.store, fetch=fetch, clock=self.clock, first_window=0)
        self.api = ApiServer(
            store=self.store,
            clock=self.clock,
            config=ServerConfig(
                advertise_port=port,
                rbac=True,
                service_account_key=self.keys.signing_key,
                static_tokens={self.keys.token: ADMIN},
                client_ca=self.keys.ca_pem,
            ),
            aggregated=(self.usage.api,),
            connect={
                **pod_stream_stages(http=self._http, tls=None, dial=self._links.dial),
                **proxy_stages(http=self._http, tls=None, dial=self._links.dial),
            },
        )
        await self.api.start()
        self.gate = Gate(self.api, clock=self.clock, seed=self.options.seed)
        self.client = self.client_of(ADMIN.name, *ADMIN.groups, trusted=True)
        # Connections live in real time, whatever the cluster's clock does.
        self._server = await serve(
            self.gate.clients, sockets=sockets, tls=self.keys.tls, options=wire_options(), clock=RealClock()
        )
        self.kubeconfig = self.directory / "kubeconfig"
        self.keys.write_kubeconfig(self.kubeconfig, self.url)
        self._start("house", self._keep_house)
        # Whoever has forked a cluster goes on at once; what must not wait for this calls `wake` itself.
        self._sleeping = asyncio.get_running_loop().call_later(WAKE_SECONDS, self.wake)

    def wake(self) -> None:
        """Start the parts, if they have not been started yet."""
        self._sleeping.cancel()
        if not self._awake:
            self._awake = True
            for part in (NODES, CONTROLLERS, *((SCHEDULING,) if self.options.scheduler else ())):
                self.start(part)

    def client_of(self, name: str, *groups: str, trusted: bool = False) -> Client:
        """A client in this process; `trusted`, no fault strikes it."""
        handler = self.api.handle if trusted else self.gate.parts
        transport = InProcessTransport(handler, user=User(name, (*groups, AUTHENTICATED)))
        return Client(transport, clock=self.clock, user_agent=name)

    @property
    def has_visitors(self) -> bool:
        """Whether programs outside hold connections."""
        return bool(self._server.connections)

    # Parts

    def start(self, part: str) -> None:
        """Start a part that is not running. Raises `ValueError` for an unknown one."""
        works = {CONTROLLERS: self._controllers, SCHEDULING: self._scheduler, NODES: self._fake_nodes}
        if part not in works:
            raise ValueError(f"there is no part {part!r}: choose one of {', '.join(works)}")
        if part not in self._tasks:
            self._start(part, works[part])

    async def kill(self, part: str) -> None:
        """End a part at this very moment, in the middle of whatever it is doing."""
        self.wake()
        if (task := self._tasks.pop(part, None)) is not None:
            await cancel_and_wait(task)

    def _start(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks[name] = asyncio.ensure_future(keep_running(name, work, clock=self.clock, log=_LOG))

    async def _keep_house(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.api.run())
            group.create_task(self.usage.scraper.run())
            group.create_task(Compactor(self.store, clock=self.clock).run())

    async def _controllers(self) -> None:
        client = self.client_of(CONTROLLER_MANAGER, MASTERS)
        config = ControllerConfig(
            root_ca=self.keys.ca_pem,
            load_balancer_pool=LOAD_BALANCERS,
            node_monitor_grace=grace_seconds(self.options.nodes, virtual=self.options.clock != "real"),
        )
        await ControllerManager(client, self.clock, config, enabled=selected(self.options.controllers)).run()

    async def _scheduler(self) -> None:
        client = self.client_of(SCHEDULER)
        informers = SharedInformers(client)
        scheduler = Scheduler(
            client=client, informers=informers, clock=self.clock, rng=random.Random(self.options.seed)
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(informers.run())
            group.create_task(scheduler.run())

    async def _fake_nodes(self) -> None:
        wanted = [FakeNode(name=f"node-{number}", number=number) for number in range(1, self.options.nodes + 1)]
        # Its faults are its own: a node that is to fail calls is silenced.
        client = self.client_of(FAKE_NODES_USER, MASTERS)
        self.nodes = FakeNodes(client=client, clock=self.clock, wanted=wanted, port=1)
        for name in self.dead:
            self.nodes.silence(name)
        await self.nodes.run()

    # Nodes

    def node_down(self, name: str, *, killed: bool) -> None:
        self.check_node(name)
        self.dead[name] = killed
        if self.nodes is not None:
            self.nodes.silence(name)

    async def node_up(self, name: str) -> None:
        self.check_node(name)
        if name not in self.dead:
            return
        rebooted = self.dead.pop(name)
        if self.nodes is not None:
            await self.nodes.revive(name, rebooted=rebooted)

    def check_node(self, name: str) -> None:
        """Raises `ValueError` for a node that is not there."""
        if self.store.get(f"/registry/core/nodes/{name}") is None:
            raise ValueError(f"there is no node {name!r}")

    # From the cradle to the grave

    async def ready(self) -> None:
        """Return when pods can be made: nodes are ready, and the default service account is there."""
        while not self._is_ready():
            await self.let_pass(0.1)

    def _is_ready(self) -> bool:
        account = not _runs("serviceaccount", self.options) or (
            self.store.get("/registry/core/serviceaccounts/default/default") is not None
        )
        return account and self.nodes is not None and self.nodes.ready.is_set() and self._no_taints()

    def _no_taints(self) -> bool:
        if not _runs("nodelifecycle", self.options):
            return True
        nodes: list[Object] = [entry.memo or {} for entry in self.store.range("/registry/core/nodes/").entries]
        return not any(
            taint["key"] == "node.kubernetes.io/not-ready"
            for node in nodes
            for taint in (node.get("spec") or {}).get("taints") or ()
        )

    async def let_pass(self, most: float) -> None:
        """Let a little time pass, so that something may happen; `most` in the cluster's seconds.

        A stopped clock goes to the next deadline; no faster than the machine's while programs outside are connected.
        """
        self.wake()
        clock = self.clock
        if not isinstance(clock, VirtualClock) or clock.ticking:
            await RealClock().sleep(GLANCE_SECONDS)
        elif not self.has_visitors:
            await clock.step(min(most, 1.0))
        else:
            began = RealClock().monotonic()
            await RealClock().sleep(GLANCE_SECONDS)
            await clock.advance(min(most, RealClock().monotonic() - began))

    async def fork(self, *, seed: int) -> Plane:
        """A cluster of its own that starts where this one is. This one goes on."""
        clock = self.clock.twin() if isinstance(self.clock, VirtualClock) else self.clock
        twin = Plane(
            replace(self.options, seed=seed),
            store=self.store.fork(),
            clock=clock,
            keys=self.keys,
            directory=Path(tempfile.mkdtemp(prefix="fork-", dir=self.directory)),
        )
        twin.dead = dict(self.dead)
        await twin.open()
        return twin

    async def close(self) -> None:
        self._sleeping.cancel()
        await cancel_and_wait(*self._tasks.values())
        self._tasks.clear()
        await self._server.close(grace_seconds=0.05)
        await self._links.close()
        await self._http.aclose()
        await self.store.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def _runs(controller: str, options: Options) -> bool:
    return controller in selected(options.controllers)


async def open_plane(options: Options) -> Plane:
    """A new cluster, ready for pods."""
    directory = Path(tempfile.mkdtemp(prefix="wherry-test-"))
    keys = make_keys(directory / "pki")
    plane = Plane(options, store=open_memory(), clock=clock_of(options), keys=keys, directory=directory)
    await plane.open()
    await plane.ready()
    return plane


class _NodeLinks:
    """Connections from the API server to the fake nodes' server, without a port: the two ends of a pair of sockets."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._server: Server | None = None

    async def dial(self, host: str, port: int) -> socket.socket:
        if self._server is None:
            self._server = Server(self._handle, options=ServerOptions(), clock=RealClock())
        server = self._server
        near, far = socket.socketpair()
        for end in (near, far):
            end.setblocking(False)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: ServerConnection(server), far)
        return near

    def _handle(self, request: Request) -> Response:
        if self._plane.nodes is None:
            return Response(503, b"the nodes are not up yet", "text/plain")
        nodes = FakeNodeServer(
            nodes=self._plane.nodes, authorize=lambda _: True, clock=self._plane.clock, tls=None, port=0
        )
        return nodes.handle(request)

    async def close(self) -> None:
        if self._server is not None:
            await self._server.close(grace_seconds=0.05)
