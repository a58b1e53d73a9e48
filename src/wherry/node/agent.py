"""The node agent: what a kubelet does, over any runtime and any network, for any conformant API server.

It registers the node, keeps its lease and status, watches the pods that are bound to it, and gives each a worker. All
that it needs to know after a crash is in the API, in the runtime and in the network; it keeps nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from wherry.api.errors import StatusError
from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.client.events import EventRecorder
from wherry.client.informer import Handler, Informer, SharedInformers
from wherry.node import orphans, trash
from wherry.node.config import NodeConfig
from wherry.node.image_pulls import ImagePulls
from wherry.node.lease import NodeLease
from wherry.node.log_rotation import LogRotation
from wherry.node.machine import Machine
from wherry.node.network_port import PodNetwork
from wherry.node.objects import ObjectWatches
from wherry.node.pod import spec
from wherry.node.pod.dns import parse_resolver
from wherry.node.probes.probe import ProbeActions
from wherry.node.registration import Registration
from wherry.node.runtimes.port import ContainerState, Runtime
from wherry.node.status_writer import StatusWriter
from wherry.node.stopper import Exits
from wherry.node.tokens import TokenRequests
from wherry.node.tools import Tools
from wherry.node.worker import PodWorker, Stage

_SCHEMES = {"oci": "runc"}
"""What container ids begin with, where it is not the runtime's name."""


class NodeAgent:
    """A component, and the `PodLookup` of the node's HTTP server. It opens the runtime and the network.

    `informers` are shared with other parts of the process, if there are any; without, the agent has its own. `ready` is
    set when the node is registered and its pods have their workers.
    """

    def __init__(
        self,
        *,
        client: Client,
        runtime: Runtime,
        network: PodNetwork,
        clock: Clock,
        config: NodeConfig,
        informers: SharedInformers | None = None,
        log: Logger | None = None,
    ) -> None:
        self.ready = asyncio.Event()
        self._config = config
        self._runtime = runtime
        self._network = network
        self._clock = clock
        self._log = log or Logger("node")
        self._machine = Machine(config.root)
        self._events = EventRecorder(client, "kubelet", clock, host=config.name)
        self._informers = informers or SharedInformers(client)
        self._own_informers = informers is None
        self._services = self._informers.informer("services")
        self._pods = Informer(client, "pods", field_selector=f"spec.nodeName={config.name}", log=self._log)
        self._workers: dict[str, PodWorker] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._client = client
        self._registration = self._make_registration()
        self._lease = NodeLease(
            client=client, clock=clock, config=config, node=lambda: self._registration.node, log=self._log
        )
        self._tools = self._make_tools()
        self._orphan_exits = Exits(self._tools)
        self._handler: Handler | None = None
        runtime.on_change(self._container_changed)

    def _make_registration(self) -> Registration:
        return Registration(
            client=self._client,
            runtime=self._runtime,
            network=self._network,
            clock=self._clock,
            config=self._config,
            machine=self._machine,
            events=self._events,
            scheme=_SCHEMES.get(self._runtime.name, self._runtime.name),
            log=self._log,
        )

    def _make_tools(self) -> Tools:
        return Tools(
            client=self._client,
            runtime=self._runtime,
            network=self._network,
            clock=self._clock,
            config=self._config,
            log=self._log,
            events=self._events,
            images=ImagePulls(self._runtime.images, self._clock, self._secret),
            objects=ObjectWatches(self._client, self._references_changed),
            tokens=TokenRequests(self._client, self._clock),
            probes=ProbeActions(runtime=self._runtime, network=self._network, clock=self._clock),
            statuses=StatusWriter(self._client, self._clock, self._log),
            services=self._services.items,
            node=lambda: self._registration.node,
            memory_capacity=self._machine.memory_bytes,
            host_resolver=parse_resolver(_read(Path("/etc/resolv.conf"))),
            scheme=_SCHEMES.get(self._runtime.name, self._runtime.name),
        )

    async def _secret(self, namespace: str, name: str) -> Object | None:
        try:
            return await self._client.get("secrets", name, namespace=namespace)
        except (StatusError, ConnectionError, OSError) as error:
            self._log.warning("no pull secret", namespace=namespace, name=name, error=str(error))
            return None

    # PodLookup

    def pods(self) -> Sequence[Object]:
        return [{**worker.pod, "status": worker.status} for worker in self._workers.values()]

    def pod(self, namespace: str, name: str) -> Object | None:
        for worker in reversed(self._workers.values()):
            if spec.name(worker.pod) == name and spec.namespace(worker.pod) == namespace:
                return {**worker.pod, "status": worker.status}
        return None

    # The component

    async def run(self) -> None:
        try:
            _make_directories(self._config)
            await self._network.open()
            await self._runtime.open()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pods.run())
                if self._own_informers:
                    group.create_task(self._informers.run())
                await self._registration.register()
                group.create_task(self._lease.run())
                group.create_task(trash.empty(self._config.trash_root))
                group.create_task(self._registration.run())
                group.create_task(LogRotation(runtime=self._runtime, clock=self._clock, log=self._log).run())
                await self._services.wait_synced()
                await self._pods.wait_synced()
                self._handler = self._pods.add_handler(self._added, self._updated, self._deleted)
                await self._remove_orphans(group)
                self.ready.set()
        finally:
            await self._close()

    async def _close(self) -> None:
        """Let go of everything; containers go on. Afterwards `run` may be called again."""
        self.ready.clear()
        if self._handler is not None:
            self._pods.remove_handler(self._handler)
            self._handler = None
        await cancel_and_wait(*self._running.values())
        self._running.clear()
        self._workers.clear()
        await self._tools.statuses.close()
        await self._tools.images.close()
        await self._tools.objects.close()
        await self._runtime.close()
        await self._network.close()

    async def _remove_orphans(self, group: asyncio.TaskGroup) -> None:
        for uid in orphans.find(self._tools, self._workers.keys()):
            group.create_task(orphans.remove(self._tools, uid, self._orphan_exits))

    # What happens

    def _added(self, pod: Object) -> None:
        uid = spec.uid(pod)
        if uid in self._workers:
            self._workers[uid].update(pod)
            return
        worker = PodWorker(pod, tools=self._tools, others=lambda: self._active_beside(uid))
        self._workers[uid] = worker
        task = self._running[uid] = asyncio.ensure_future(worker.run())
        task.add_done_callback(lambda done: self._ended(uid, done))

    def _updated(self, old: Object, new: Object) -> None:
        self._added(new)

    def _deleted(self, pod: Object) -> None:
        if (worker := self._workers.get(spec.uid(pod))) is not None:
            worker.remove(pod)

    def _ended(self, uid: str, task: asyncio.Task[None]) -> None:
        self._running.pop(uid, None)
        if task.cancelled():
            return
        worker = self._workers.pop(uid)
        if (error := task.exception()) is not None:
            self._log.error("pod worker failed, starting it again", pod=spec.full_name(worker.pod), error=repr(error))
            self._clock_later(worker)

    def _clock_later(self, worker: PodWorker) -> None:
        """A worker that failed is made anew after a moment, from what is."""

        async def again() -> None:
            await self._clock.sleep(1.0)
            if (pod := self._pods.get(spec.namespace(worker.pod), spec.name(worker.pod))) is not None:
                self._running.pop(f"again {worker.uid}", None)
                self._added(pod)

        self._running[f"again {worker.uid}"] = asyncio.ensure_future(again())

    def _active_beside(self, uid: str) -> list[Object]:
        """The pods that hold resources of this node, besides one."""
        return [
            worker.pod
            for other, worker in self._workers.items()
            if other != uid and worker.stage in (Stage.RUN, Stage.STOP)
        ]

    def _container_changed(self, state: ContainerState) -> None:
        if (worker := self._workers.get(state.pod_uid)) is not None:
            worker.container_changed(state)
        else:
            self._orphan_exits.changed(state)

    def _references_changed(self, uids: frozenset[str]) -> None:
        for uid in uids:
            if (worker := self._workers.get(uid)) is not None:
                worker.references_changed()


def _make_directories(config: NodeConfig) -> None:
    if config.on_disk:
        for path in (config.logs_root, config.files_root):
            path.mkdir(mode=0o750, parents=True, exist_ok=True)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
