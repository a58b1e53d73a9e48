"""One machine put together: from a configuration to a running cluster.

The order is the shortest way to an answer: the host's bridge (its address is one that the API server listens on), the API
server, then the controllers, the scheduler and the nodes all at once. `serving` is told as soon as the API server
answers, `ready` when every node is. `split` has the same with a process for each part.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Coroutine, Iterator
from itertools import chain
from typing import Any

from wherry.base import garbage
from wherry.base import log as logging
from wherry.base.clock import Clock, RealClock
from wherry.base.log import Logger
from wherry.base.tasks import keep_running
from wherry.client.client import Client
from wherry.distro import credentials as credentials_of
from wherry.distro import daemon, kubeconfig, networks
from wherry.distro.config import ClusterConfig, StateDirectory
from wherry.distro.control_plane import ControlPlane, open_control_plane
from wherry.distro.daemon import Progress, Report
from wherry.distro.failures import explain
from wherry.distro.machine import allow_many_files
from wherry.distro.parts import Identity, MetricLines, Parts, node_parts

log = Logger("cluster")


def run_in_background(state: StateDirectory, config: ClusterConfig) -> Iterator[Progress]:
    """Start the cluster's own process; gives its progress until it is ready or has failed."""

    def body(report: Report) -> None:
        try:
            with daemon.hold(state):
                run(state, config, report)
        except OSError as error:  # before it runs: from there on it explains itself
            report(Progress("failed", explain(error, state, config)))
            raise SystemExit(1) from error

    return daemon.start_in_background(state, body)


def run(state: StateDirectory, config: ClusterConfig, report: Report) -> None:
    """Be the cluster until a signal ends it. What fails at the start is reported in one line; then `SystemExit`."""
    logging.configure()
    allow_many_files()
    try:
        if config.processes == "many":
            from wherry.distro.split import supervise

            supervise(state, config, report)
        else:
            run_loop(Cluster(state, config, clock_of(config), report).run(), virtual=config.clock == "virtual")
    except Exception as error:
        log.exception("the cluster failed", cluster=config.name)
        report(Progress("failed", explain(error, state, config)))
        raise SystemExit(1) from error


def clock_of(config: ClusterConfig) -> Clock:
    if config.clock == "real":
        return RealClock()
    from wherry.base.virtual_clock import VirtualClock

    return VirtualClock()


def run_loop(work: Coroutine[Any, Any, None], *, virtual: bool = False) -> None:
    """Run to its end, or until SIGTERM or SIGINT cancels it."""
    import uvloop

    garbage.tune()
    # A virtual clock must see whether anything is left to do, which uvloop does not show.
    with asyncio.Runner(loop_factory=None if virtual else uvloop.new_event_loop) as runner:
        runner.run(_until_signalled(work))


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
        self._progress = Announcer(config, report)
        self._plane: ControlPlane

    async def run(self) -> None:
        credentials = credentials_of.ensure(self._state, self._config, self._clock)
        kubeconfig.write(self._state, self._config, credentials.authority)
        async with networks.opened(networks.host_network(self._config, self._state)):
            self._plane = await open_control_plane(
                self._state, self._config, credentials, self._clock, say=self._progress.step
            )
        self._progress.serving()
        counted: dict[str, MetricLines] = {}
        self._plane.api.parts.metrics.add(lambda: chain.from_iterable(lines() for lines in counted.values()))
        parts = Parts(
            state=self._state,
            config=self._config,
            credentials=credentials,
            clock=self._clock,
            connect=self._connect,
            on_ready=self._on_ready,
            metrics=counted,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self._plane.run())
            for name, part in parts.all().items():
                group.create_task(keep_running(name, part, clock=self._clock, log=log), name=name)

    def _connect(self, identity: Identity) -> Client:
        return self._plane.client(identity.name, identity.groups, agent=identity.agent)

    def _on_ready(self, name: str) -> None:
        if self._progress.node_ready(name):
            garbage.settle()


class Announcer:
    """Tells how far the start has come, with the seconds that each step took."""

    def __init__(self, config: ClusterConfig, report: Report) -> None:
        self._config = config
        self._report = report
        self._began = time.monotonic()
        self._ready: set[str] = set()
        self._expected = len(node_parts(config))

    def step(self, message: str) -> None:
        self._tell("step", message)

    def serving(self) -> None:
        self._tell("serving", f"API server answers at {self._config.server}")

    def node_ready(self, name: str) -> bool:
        """Count a node; tells whether it was the last one that was waited for."""
        before = len(self._ready)
        self._ready.add(name)
        if not before < len(self._ready) == self._expected:
            return False
        count = self._config.nodes + self._config.fake_nodes
        self._tell("ready", f"{count} node{'s are' if count != 1 else ' is'} ready ({self._config.runtime})")
        return True

    def _tell(self, kind: str, message: str) -> None:
        seconds = time.monotonic() - self._began
        self._began = time.monotonic()
        log.info(message, seconds=round(seconds, 3))
        self._report(Progress(kind, message, seconds))
