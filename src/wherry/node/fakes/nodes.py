"""Fake nodes: their Node objects, their heartbeats, and the pods on them. One component for all of them.

A node is fake by its annotation `wherry.dev/fake: "true"`, whoever made it, so that nodes can be added and removed with
kubectl; `FakeNodes` makes those that it is told to make at its start, where they are missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wherry.api.errors import AlreadyExists, Conflict, NotFound, StatusError
from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.times import rfc3339
from wherry.client.client import Client
from wherry.client.events import EventRecorder
from wherry.client.informer import SharedInformers
from wherry.node.config import KUBELET_VERSION
from wherry.node.fakes.addresses import Addresses, network_of
from wherry.node.fakes.heartbeats import Heartbeats
from wherry.node.fakes.life import Lives, Rule
from wherry.node.fakes.pods import HOST, FakePods
from wherry.node.fakes.usage import FakeUsage
from wherry.node.machine import architecture
from wherry.node.server.measurement import Measurement

FAKE = "wherry.dev/fake"
"""The annotation of a fake node; the same key is a label of those that are made here, to select them by."""
TAINT = {"key": FAKE, "value": "true", "effect": "NoSchedule"}
CAPACITY = {"cpu": "32", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "110"}
_TOGETHER = 64
_HEALTHY = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeNode:
    """A node to make. `number` (from 1) chooses its pods' addresses."""

    name: str
    number: int
    labels: Mapping[str, str] = field(default_factory=dict)
    capacity: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Object] = ()


class FakeNodes:
    """A component, and what the fake nodes' server asks. `ready` is set when every wanted node is registered.

    `port` is where the nodes' server answers on 127.0.0.1; 0 for none.
    """

    def __init__(
        self,
        *,
        client: Client,
        clock: Clock,
        wanted: Sequence[FakeNode] = (),
        rules: Sequence[Rule] = (),
        port: int = 0,
        informers: SharedInformers | None = None,
        log: Logger | None = None,
    ) -> None:
        self.ready = asyncio.Event()
        self._client = client
        self._clock = clock
        self._wanted = wanted
        self._port = port
        self._log = log or Logger("node")
        self._own_informers = informers is None
        self._informers = informers or SharedInformers(client, log=self._log)
        self._nodes = self._informers.informer("nodes")
        self._events = EventRecorder(client, "kubelet", clock)
        self._addresses: dict[str, Addresses] = {}
        self._silent: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.lives = Lives(rules, complain=self._complain)
        self._usage = FakeUsage(self.lives)
        self.pods = FakePods(
            client=client,
            clock=clock,
            pods=self._informers.informer("pods"),
            lives=self.lives,
            node_of=self._working,
            forget=self._usage.forget,
            log=self._log,
        )
        self._heartbeats = Heartbeats(client=client, clock=clock, alive=self._alive, report=self._report, log=self._log)

    async def run(self) -> None:
        handler = self._nodes.add_handler(self._node_seen, lambda old, new: self._node_seen(new), self._node_gone)
        try:
            async with asyncio.TaskGroup() as group:
                if self._own_informers:
                    group.create_task(self._informers.run())
                group.create_task(self.pods.run())
                await self._nodes.wait_synced()
                await self._register()
                await self._heartbeats.renew(self._alive())
                self.ready.set()
                group.create_task(self._heartbeats.run())
        finally:
            self.ready.clear()
            self._nodes.remove_handler(handler)
            for task in self._tasks:
                task.cancel()

    # Faults

    def silence(self, name: str) -> None:
        """The node is cut off: no heartbeat, and nothing that is asked of its pods happens."""
        self._silent.add(name)

    async def revive(self, name: str, *, rebooted: bool = False) -> None:
        """The node is there again; `rebooted`, everything that ran on it was lost and starts again."""
        self._silent.discard(name)
        if (node := self._nodes.get("", name)) is None:
            return
        await self._report(node)
        await self._heartbeats.renew([node])
        self.pods.look_at(name, rebooted=rebooted)

    # What is there

    def names(self) -> list[str]:
        return list(self._addresses)

    def measure(self, name: str) -> Measurement | None:
        """What a node and its containers use now; None for a node that is not ours."""
        if (node := self._nodes.get("", name)) is None or name not in self._addresses:
            return None
        # Whole milliseconds, as pages tell times: what is used is reckoned for exactly the moment that is told.
        return self._usage.of(self.pods.on_node(name), node, int(self._clock.now() * 1000) / 1000)

    def _alive(self) -> list[Object]:
        found = (self._nodes.get("", name) for name in self._addresses if name not in self._silent)
        return [node for node in found if node is not None]

    def _working(self, name: str) -> Addresses | None:
        return None if name in self._silent else self._addresses.get(name)

    # Node objects

    def _node_seen(self, node: Object) -> None:
        metadata = node["metadata"]
        if (metadata.get("annotations") or {}).get(FAKE) != "true" or metadata["name"] in self._addresses:
            return
        network = node["spec"].get("podCIDR") or network_of(len(self._addresses) + 1)
        self._addresses[metadata["name"]] = Addresses(network)
        if not (node.get("status") or {}).get("conditions"):
            self._soon(self._report(node))
        self.pods.look_at(metadata["name"])

    def _node_gone(self, node: Object) -> None:
        self._addresses.pop(node["metadata"]["name"], None)
        self._silent.discard(node["metadata"]["name"])

    async def _register(self) -> None:
        for start in range(0, len(self._wanted), _TOGETHER):
            await asyncio.gather(*(self._create(one) for one in self._wanted[start : start + _TOGETHER]))

    async def _create(self, wanted: FakeNode) -> None:
        if self._nodes.get("", wanted.name) is not None:
            return None
        while True:
            try:
                node = await self._client.create("nodes", self._object(wanted))
                return self._node_seen(node)
            except AlreadyExists:
                return None
            except (StatusError, ConnectionError, OSError) as error:
                self._log.warning("could not register a fake node", node=wanted.name, error=str(error))
                await self._clock.sleep(1.0)

    def _object(self, wanted: FakeNode) -> Object:
        labels = {
            "kubernetes.io/arch": architecture(),
            "kubernetes.io/hostname": wanted.name,
            "kubernetes.io/os": "linux",
            FAKE: "true",
            **wanted.labels,
        }
        network = network_of(wanted.number)
        metadata = {"name": wanted.name, "labels": labels, "annotations": {FAKE: "true"}}
        spec: Object = {"podCIDR": network, "podCIDRs": [network], "providerID": f"wherry-fake://{wanted.name}"}
        if wanted.taints:
            spec["taints"] = list(wanted.taints)
        status = self._status(wanted.name, {**CAPACITY, **wanted.capacity})
        return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": status}

    def _status(self, name: str, capacity: Mapping[str, str]) -> Object:
        moment = rfc3339(self._clock.now())
        status: Object = {
            "capacity": dict(capacity),
            "allocatable": dict(capacity),
            "conditions": [_condition(*each, moment) for each in _HEALTHY],
            "addresses": [{"type": "InternalIP", "address": HOST}, {"type": "Hostname", "address": name}],
            "nodeInfo": _info(),
        }
        if self._port:
            status["daemonEndpoints"] = {"kubeletEndpoint": {"Port": self._port}}
        return status

    async def _report(self, node: Object) -> None:
        """Say that the node is well, completing what a user left out."""
        name, known = node["metadata"]["name"], node.get("status") or {}
        status = self._status(name, known.get("capacity") or CAPACITY)
        if known.get("allocatable"):
            status["allocatable"] = known["allocatable"]
        status["addresses"] = [*status["addresses"], {"$patch": "replace"}]
        try:
            await self._client.patch("nodes", name, {"status": status}, type="strategic", subresource="status")
        except (NotFound, Conflict):
            return
        except (StatusError, ConnectionError, OSError) as error:
            self._log.warning("could not report a fake node's status", node=name, error=str(error))

    def _soon(self, work: object) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _complain(self, pod: Object, message: str) -> None:
        self._events.event(pod, "Warning", "FakeLife", message)


def _condition(type_: str, status: str, reason: str, message: str, moment: str) -> Object:
    times = {"lastHeartbeatTime": moment, "lastTransitionTime": moment}
    return {"type": type_, "status": status, "reason": reason, "message": message, **times}


def _info() -> Object:
    return {
        "architecture": architecture(),
        "bootID": "",
        "containerRuntimeVersion": "fake://1",
        "kernelVersion": "fake",
        "kubeProxyVersion": "",
        "kubeletVersion": KUBELET_VERSION,
        "machineID": "",
        "operatingSystem": "linux",
        "osImage": "Wherry fake node",
        "systemUUID": "",
    }
