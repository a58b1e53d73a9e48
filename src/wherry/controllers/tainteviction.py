"""Pods leave nodes with NoExecute taints: at once, or after the time for which they tolerate them.

Source: k8s.io/kubernetes pkg/controller/tainteviction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.client.informer import Key, key_of
from wherry.controllers import conditions
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop


def tolerates(toleration: Object, taint: Object) -> bool:
    """Whether one toleration covers one taint."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")


def stays_seconds(tolerations: Sequence[Object], taints: Sequence[Object]) -> float:
    """How long a pod may stay on a node with these taints: 0, some seconds, or infinity."""
    limits = [math.inf]
    for taint in taints:
        covering = [t for t in tolerations if tolerates(t, taint)]
        if not covering:
            return 0.0
        limits += [max(0.0, t["tolerationSeconds"]) for t in covering if t.get("tolerationSeconds") is not None]
    return min(limits)


def no_execute(node: Object | None) -> list[Object]:
    taints = (node or {}).get("spec", {}).get("taints") or ()
    return [taint for taint in taints if taint["effect"] == "NoExecute"]


class TaintEvictionController:
    """A component; see the module."""

    name = "taint-eviction-controller"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._recorder = context.recorder("taint-eviction-controller")
        self._nodes = context.informers.informer("nodes")
        self._pods = context.informers.informer("pods")
        self._pods.add_index("node", lambda pod: (pod["spec"].get("nodeName", ""),))
        self._since: dict[Key, tuple[str, float]] = {}
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._nodes, self._pods),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, 8),
        )
        self._pods.add_handler(self._pod_added, self._pod_changed, lambda pod: self._forget(key_of(pod)))
        self._nodes.add_handler(self._node_seen, self._node_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _pod_added(self, pod: Object) -> None:
        if no_execute(self._nodes.get("", pod["spec"].get("nodeName", ""))):
            self.loop.enqueue(pod)

    def _pod_changed(self, old: Object, new: Object) -> None:
        before, after = old["spec"], new["spec"]
        if before.get("nodeName") != after.get("nodeName") or before.get("tolerations") != after.get("tolerations"):
            self._pod_added(new)

    def _node_seen(self, node: Object) -> None:
        if no_execute(node):
            self._enqueue_all(node)

    def _node_changed(self, old: Object, new: Object) -> None:
        if no_execute(old) != no_execute(new):
            self._enqueue_all(new)

    def _enqueue_all(self, node: Object) -> None:
        for pod in self._pods.by_index("node", node["metadata"]["name"]):
            self.loop.enqueue(pod)

    def _forget(self, key: Key) -> None:
        self._since.pop(key, None)

    async def _reconcile(self, key: Key) -> None:
        pod = self._pods.get(*key)
        if pod is None or pod["metadata"].get("deletionTimestamp"):
            self._forget(key)
            return
        taints = no_execute(self._nodes.get("", pod["spec"].get("nodeName", "")))
        stays = stays_seconds(pod["spec"].get("tolerations") or (), taints)
        if stays == math.inf:
            self._cancel(key, pod)
            return
        left = self._started(key, pod) + stays - self._clock.monotonic()
        if left > 0:
            self.loop.queue.add_after(key, left)
            return
        await self._evict(key, pod)

    def _started(self, key: Key, pod: Object) -> float:
        """When the pod's time on the tainted node began."""
        uid = pod["metadata"]["uid"]
        known = self._since.get(key)
        if known is None or known[0] != uid:
            known = self._since[key] = (uid, self._clock.monotonic())
        return known[1]

    def _cancel(self, key: Key, pod: Object) -> None:
        if key in self._since:
            self._forget(key)
            self._recorder.event(pod, "Normal", "TaintManagerEviction", f"Cancelling deletion of Pod {'/'.join(key)}")

    async def _evict(self, key: Key, pod: Object) -> None:
        metadata = pod["metadata"]
        self._recorder.event(pod, "Normal", "TaintManagerEviction", f"Marking for deletion Pod {'/'.join(key)}")
        condition = conditions.make(
            "DisruptionTarget",
            True,
            "DeletionByTaintManager",
            "Taint manager: deleting due to NoExecute taint",
            now=rfc3339(self._clock.now()),
        )
        try:
            await self._client.patch(
                "pods",
                metadata["name"],
                {"metadata": {"uid": metadata["uid"]}, "status": {"conditions": [condition]}},
                namespace=metadata["namespace"],
                type="strategic",
                subresource="status",
            )
            await self._client.delete("pods", metadata["name"], namespace=metadata["namespace"], uid=metadata["uid"])
        except NotFound:
            pass
        self._forget(key)
