"""One machine put together: from a configuration to a running cluster.

The order is the shortest way to an answer: the host's network and the API server start together, then the controllers,
the scheduler and the nodes; `serving` is told as soon as the API server answers, `ready` when every node is.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from wherry.base import log as logging
from wherry.base.clock import Clock, RealClock
from wherry.base.log import Logger
from wherry.base.tasks import keep_running
from wherry.client.informer import SharedInformers
from wherry.controllers.context import Config as ControllerConfig
from wherry.controllers.manager import ControllerManager
from wherry.distro import credentials as credentials_of
from wherry.distro import daemon, kubeconfig, networks
from wherry.distro.config import ClusterConfig, StateDirectory
from wherry.distro.control_plane import ControlPlane, open_control_plane
from wherry.distro.credentials import CONTROLLER_MANAGER, SCHEDULER, Credentials
from wherry.distro.daemon import Progress, Report
from wherry.distro.node_stack import NodeStack, open_node
from wherry.policy.user import MASTERS
from wherry.wire.errors import WireError

log = Logger("cluster")


def run_in_background(state: StateDirectory, config: ClusterConfig) -> Iterator[Progress]:
    """Start the cluster's own process; gives its progress until it is ready or has failed."""

    def body(report: Report) -> None:
        with daemon.hold(state):
            run(state, config, report)

    return daemon.start_in_background(state, body)


def run(state: StateDirectory, config: ClusterConfig, report: Report) -> None:
    """Be the cluster until a signal ends it. What fails at the start is reported in one line and raised."""
    import uvloop

    logging.configure()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_until_signalled(Cluster(state, config, RealClock(), report).run()))
        except Exception as error:
            log.exception("the cluster failed", cluster=config.name)
            report(Progress("failed", _first_line(error)))
            raise SystemExit(1) from error


def _first_line(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = str(error).strip() or type(error).__name__
    if isinstance(error, WireError) and "in use" in text:
        text += ": choose another with --port"
    return text.splitlines()[0]


async def _until_signalled(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        log.info("stopped")


class Cluster:
    """All parts of one machine in one process."""

    def __init__(self, state: StateDirectory, config: ClusterConfig, clock: Clock, report: Report) -> None:
        self._state = state
        self._config = config
        self._clock = clock
        self._report = report
        self._began = time.monotonic()

    async def run(self) -> None:
        credentials = credentials_of.ensure(self._state, self._config, self._clock)
        kubeconfig.write(self._state, self._config, credentials.authority)
        host = networks.host_network(self._config, self._state)
        # The host's bridge has the address that the API server also listens on, so it comes first; it takes 40 ms.
        if host is not None:
            await host.open()
        plane = await open_control_plane(self._state, self._config, credentials, self._clock)
        self._tell("serving", f"API server answers at {self._config.server}")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(plane.run())
                group.create_task(self._start_parts(group, plane, credentials))
        finally:
            log.info("the cluster's process ends", cluster=self._config.name)

    async def _start_parts(self, group: asyncio.TaskGroup, plane: ControlPlane, credentials: Credentials) -> None:
        controllers = ControllerManager(
            plane.client(CONTROLLER_MANAGER, (MASTERS,)),
            self._clock,
            ControllerConfig(root_ca=credentials.ca.decode()),
        )
        self._keep(group, "controllers", controllers.run)
        self._start_scheduler(group, plane)
        nodes = await self._start_nodes(group, plane, credentials)
        for node in nodes:
            await node.agent.ready.wait()
        # What was made while starting lives as long as the process: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        count = len(nodes)
        self._tell("ready", f"{count} node{'s are' if count != 1 else ' is'} ready ({self._config.runtime})")

    def _start_scheduler(self, group: asyncio.TaskGroup, plane: ControlPlane) -> None:
        if importlib.util.find_spec("wherry.scheduler") is None:
            return
        from wherry.scheduler.scheduler import Scheduler

        client = plane.client(SCHEDULER)
        informers = SharedInformers(client)
        scheduler = Scheduler(client=client, informers=informers, clock=self._clock)
        self._keep(group, "scheduler informers", informers.run)
        self._keep(group, "scheduler", scheduler.run)

    async def _start_nodes(
        self, group: asyncio.TaskGroup, plane: ControlPlane, credentials: Credentials
    ) -> list[NodeStack]:
        nodes = []
        for number in range(1, self._config.nodes + 1):
            name = self._config.node_name(number)
            client = plane.client(f"system:node:{name}", ("system:nodes",))
            informers = SharedInformers(client)
            node = await open_node(
                self._state, self._config, credentials, number, client=client, informers=informers, clock=self._clock
            )
            self._keep(group, f"{name} informers", informers.run)
            self._keep(group, name, node.run)
            nodes.append(node)
        return nodes

    def _keep(self, group: asyncio.TaskGroup, name: str, start: Callable[[], Coroutine[Any, Any, None]]) -> None:
        group.create_task(keep_running(name, start, clock=self._clock, log=log), name=name)

    def _tell(self, kind: str, message: str) -> None:
        seconds = time.monotonic() - self._began
        self._began = time.monotonic()
        log.info(message, seconds=round(seconds, 3))
        self._report(Progress(kind, message, seconds))
