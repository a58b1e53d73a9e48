"""Nodes that fall silent: their conditions become Unknown, taints keep new pods away and drive the old ones out.

Each node has one timer that is looked at when the grace period could have passed; nothing polls. Silence is measured
on our own clock from when a lease or status was last seen to change, so node clocks do not matter.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.client.informer import Key
from wherry.controllers import conditions, node_health, pods
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Retry
from wherry.controllers.node_health import Zone

LEASES = "kube-node-lease"
STARTUP_GRACE_SECONDS = 60.0


@dataclass(slots=True)
class _Heard:
    """When the node was last heard of."""

    at: float
    status: object = None
    ready: str = ""
    lost_at: float | None = None
    """When it was found silent."""


def _status_mark(node: Object) -> object:
    found = conditions.find((node.get("status") or {}).get("conditions"), "Ready")
    return (found.get("lastHeartbeatTime"), found.get("status")) if found else None


class NodeLifecycleController:
    """A component; see the module."""

    name = "nodelifecycle"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._grace = context.config.node_monitor_grace
        self._period = context.config.node_monitor_period
        self._recorder = context.recorder("node-controller")
        self._nodes = context.informers.informer("nodes")
        self._leases = context.informers.informer("leases.coordination.k8s.io", namespace=LEASES)
        self._pods = context.informers.informer("pods")
        self._pods.add_index("node", lambda pod: (pod["spec"].get("nodeName", ""),))
        self._heard: dict[str, _Heard] = {}
        self._next_eviction: dict[str, float] = {}
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._nodes, self._leases, self._pods),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, 8),
        )
        self._nodes.add_handler(self._node_added, self._node_changed, self._node_gone)
        self._leases.add_handler(self._lease_seen, self._lease_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _node_added(self, node: Object) -> None:
        name = node["metadata"]["name"]
        self._heard[name] = _Heard(self._clock.monotonic(), _status_mark(node), node_health.ready_status(node))
        self._tell(node, "RegisteredNode", f"Node {name} event: Registered Node {name} in Controller")
        self.loop.enqueue(node)

    def _node_changed(self, old: Object, new: Object) -> None:
        heard = self._heard[new["metadata"]["name"]]
        mark, ready = _status_mark(new), node_health.ready_status(new)
        if mark != heard.status:
            heard.status = mark
            if ready != "Unknown":
                heard.at = self._clock.monotonic()
        self.loop.enqueue(new)
        if node_health.is_ready(old) != node_health.is_ready(new):
            # Whether the pods of the others are driven out depends on how many nodes are down.
            for node in self._nodes.items():
                if not node_health.is_ready(node):
                    self.loop.enqueue(node)

    def _node_gone(self, node: Object) -> None:
        name = node["metadata"]["name"]
        self._heard.pop(name, None)
        self._tell(node, "RemovingNode", f"Node {name} event: Removing Node {name} from Controller")

    def _lease_seen(self, lease: Object) -> None:
        if (heard := self._heard.get(lease["metadata"]["name"])) is not None:
            heard.at = self._clock.monotonic()

    def _lease_changed(self, old: Object, new: Object) -> None:
        if old["spec"].get("renewTime") != new["spec"].get("renewTime"):
            self._lease_seen(new)

    def _tell(self, node: Object, reason: str, message: str) -> None:
        self._recorder.event(node, "Normal", reason, message)

    async def _reconcile(self, key: Key) -> None:
        name = key[1]
        node, heard = self._nodes.get("", name), self._heard.get(name)
        if node is None or heard is None:
            return
        node = await self._check_silence(node, heard)
        await self._note_transition(node, heard)
        evict, wait = self._may_evict(node, heard)
        wanted = node_health.wanted_taints(node, evict=evict)
        taints = node_health.next_taints(node, wanted, self._clock.now())
        if taints is not None:
            await self._write_taints(node, taints)
        if wait is not None:
            raise Retry(wait)

    async def _check_silence(self, node: Object, heard: _Heard) -> Object:
        """Mark a silent node Unknown; look again when a node that is not silent could be."""
        grace = self._grace if heard.status is not None else max(self._grace, STARTUP_GRACE_SECONDS)
        silent = self._clock.monotonic() - heard.at
        if silent < grace:
            self.loop.queue.add_after(("", node["metadata"]["name"]), grace - silent)
            return node
        changed = node_health.unknown_conditions(node, self._clock.now())
        if not changed:
            return node
        try:
            return await self._client.patch(
                "nodes",
                node["metadata"]["name"],
                {"status": {"conditions": changed}},
                type="strategic",
                subresource="status",
            )
        except NotFound:
            return node

    async def _note_transition(self, node: Object, heard: _Heard) -> None:
        """When a node stops being ready, so do its pods: endpoints must not wait for a kubelet that is gone."""
        before, heard.ready = heard.ready, node_health.ready_status(node)
        if before == "True" and heard.ready != "True":
            name = node["metadata"]["name"]
            self._tell(node, "NodeNotReady", f"Node {name} status is now: NodeNotReady")
            found = [pod for pod in self._pods.by_index("node", name) if pods.is_ready(pod)]
            await asyncio.gather(*(self._mark_not_ready(pod) for pod in found))

    async def _mark_not_ready(self, pod: Object) -> None:
        metadata = pod["metadata"]
        condition = conditions.find(pod["status"]["conditions"], "Ready") or {}
        new = {**condition, "status": "False", "lastTransitionTime": rfc3339(self._clock.now())}
        self._recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready")
        try:
            await self._client.patch(
                "pods",
                metadata["name"],
                {"metadata": {"uid": metadata["uid"]}, "status": {"conditions": [new]}},
                namespace=metadata["namespace"],
                type="strategic",
                subresource="status",
            )
        except NotFound:
            return

    def _may_evict(self, node: Object, heard: _Heard) -> tuple[bool, float | None]:
        """Whether the node's pods are to be driven out now, and when to ask again.

        Nodes go one after another, and none at all while no node is ready: then it is rather us who are cut off. Before
        the first one goes, those that fell silent with it must have been missed too: together they say how the zone is.
        """
        if node_health.ready_status(node) != "Unknown":
            heard.lost_at = None
        elif heard.lost_at is None:
            heard.lost_at = self._clock.monotonic()
        if node_health.is_ready(node):
            return False, None
        if heard.lost_at is not None and (left := heard.lost_at + self._period - self._clock.monotonic()) > 0:
            return self._is_given_up(node), left
        if self._is_given_up(node):
            return not self._everything_down(), None
        if self._everything_down():
            return False, None
        zone = node_health.zone_of(node)
        state, size = node_health.zone_state(n for n in self._nodes.items() if node_health.zone_of(n) == zone)
        interval = node_health.eviction_interval(state, size)
        if interval is None:
            return False, None
        now = self._clock.monotonic()
        if (due := self._next_eviction.get(zone, now)) > now:
            return False, due - now
        self._next_eviction[zone] = now + interval
        return True, None

    def _is_given_up(self, node: Object) -> bool:
        return any((t["key"], t["effect"]) in _EVICTING for t in node["spec"].get("taints") or ())

    def _everything_down(self) -> bool:
        return node_health.zone_state(self._nodes.items())[0] is Zone.FULL

    async def _write_taints(self, node: Object, taints: list[Object]) -> None:
        metadata = node["metadata"]
        patch = {"metadata": {"resourceVersion": metadata["resourceVersion"]}, "spec": {"taints": taints or None}}
        try:
            await self._client.patch("nodes", metadata["name"], patch)
        except NotFound:
            return


_EVICTING = {(key, node_health.NO_EXECUTE) for key in (node_health.NOT_READY, node_health.UNREACHABLE)}
