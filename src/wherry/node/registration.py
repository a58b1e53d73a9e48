"""Keeping the Node object true: made at the start, its status sent when it changed and every five minutes."""

from __future__ import annotations

from wherry.api.errors import AlreadyExists, StatusError
from wherry.api.types import Object
from wherry.base.backoff import Backoff
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.client.client import Client
from wherry.client.events import EventRecorder
from wherry.node import node_object
from wherry.node.config import NodeConfig
from wherry.node.machine import Machine
from wherry.node.network_port import PodNetwork
from wherry.node.runtimes.port import Runtime

LOOK_SECONDS = 10.0
RETRY = Backoff(initial=0.2, cap=7.0)


class Registration:
    """A component after `register`. `node` is the object as the API last gave it."""

    def __init__(
        self,
        *,
        client: Client,
        runtime: Runtime,
        network: PodNetwork,
        clock: Clock,
        config: NodeConfig,
        machine: Machine,
        events: EventRecorder,
        scheme: str,
        log: Logger,
    ) -> None:
        self.node: Object = {}
        self._client = client
        self._runtime = runtime
        self._network = network
        self._clock = clock
        self._config = config
        self._machine = machine
        self._events = events
        self._scheme = scheme
        self._log = log
        self._sent: Object = {}
        self._sent_at = 0.0

    async def register(self) -> None:
        """Return when the API has the node with its status, however long that takes."""
        failures = 0
        while True:
            try:
                await self._register_once()
                return
            except (StatusError, ConnectionError, OSError) as error:
                failures += 1
                self._log.warning("could not register the node", node=self._config.name, error=str(error))
                await self._clock.sleep(RETRY.delay(failures))

    async def _register_once(self) -> None:
        status = self._status({})
        try:
            self.node = await self._client.create("nodes", node_object.fresh(self._config, status))
        except AlreadyExists:
            await self._take_over(await self._client.get("nodes", self._config.name))
        await self._send(self._status(self.node.get("status") or {}))
        self._events.event(self.node, "Normal", "Starting", "Starting kubelet.")
        text = f"Node {self._config.name} status is now: NodeReady"
        self._events.event(self.node, "Normal", "NodeReady", text)

    async def _take_over(self, found: Object) -> None:
        """The node was here before: bring its labels up to date."""
        self.node = found
        have = found["metadata"].get("labels") or {}
        wanted = {key: value for key, value in node_object.labels(self._config).items() if have.get(key) != value}
        spec: Object = {}
        if self._config.pod_cidrs and not found["spec"].get("podCIDR"):
            spec = {"podCIDR": self._config.pod_cidrs[0], "podCIDRs": list(self._config.pod_cidrs)}
        if wanted or spec:
            patch: Object = {"metadata": {"labels": wanted}, **({"spec": spec} if spec else {})}
            self.node = await self._client.patch("nodes", self._config.name, patch, type="strategic")

    def _status(self, known: Object) -> Object:
        return node_object.status(
            self._config,
            self._machine,
            addresses=self._network.node_addresses,
            runtime_version=runtime_version(self._scheme, self._runtime.version),
            images=self._runtime.images.list(),
            known=known,
            now=self._clock.now(),
        )

    async def _send(self, status: Object) -> None:
        patch = {"status": {**status, "addresses": [*status["addresses"], {"$patch": "replace"}]}}
        self.node = await self._client.patch("nodes", self._config.name, patch, type="strategic", subresource="status")
        self._sent, self._sent_at = status, self._clock.monotonic()

    async def run(self) -> None:
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            status = self._status(self._sent)
            due = self._clock.monotonic() - self._sent_at >= self._config.status_seconds
            if not due and node_object.without_heartbeat(status) == node_object.without_heartbeat(self._sent):
                continue
            try:
                await self._send(status)
            except StatusError as error:
                if error.status_code == 404:
                    await self.register()
                else:
                    self._log.warning("could not send the node's status", error=str(error))
            except (ConnectionError, OSError) as error:
                self._log.warning("could not send the node's status", error=str(error))


def runtime_version(scheme: str, version: str) -> str:
    """`runc://1.1.5`; a version that begins with its program's name, as in `crun 1.8`, is split at it."""
    program, _, number = version.rpartition(" ")
    return f"{program or scheme}://{number}"
