"""Pods that nobody else would remove: on nodes that are gone, deleted before they had a node, finished beyond a limit.

Source: k8s.io/kubernetes pkg/controller/podgc; there it runs every 20 seconds, here when something happened.
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.client.informer import Key
from wherry.controllers import conditions, node_health, pods
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Retry

QUARANTINE_SECONDS = 40.0
"""How long a node must be gone before its pods are removed: it may only be registering again."""

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


def surplus_finished(found: Iterable[Object], threshold: int) -> list[Object]:
    """The finished pods beyond the threshold: evicted ones first, then the oldest."""
    finished = [pod for pod in found if pods.is_finished(pod)]
    surplus = len(finished) - threshold
    if threshold <= 0 or surplus <= 0:
        return []
    finished.sort(key=_removal_order)
    return finished[:surplus]


def _removal_order(pod: Object) -> tuple[bool, str, str]:
    metadata = pod["metadata"]
    evicted = (pod.get("status") or {}).get("reason") == "Evicted"
    return not evicted, metadata.get("creationTimestamp", ""), metadata["name"]


class PodGCController:
    """A component; see the module."""

    name = "podgc"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._threshold = context.config.terminated_pod_threshold
        self._nodes = context.informers.informer("nodes")
        self._pods = context.informers.informer("pods")
        self._pods.add_index("node", lambda pod: (pod["spec"].get("nodeName", ""),))
        self._missing_since: dict[str, float] = {}
        self._finished = 0
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._nodes, self._pods),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, 2),
        )
        self._nodes.add_handler(self._node_seen, lambda old, new: self._node_seen(new), self._node_gone)
        self._pods.add_handler(self._pod_seen, self._pod_changed, self._pod_gone)

    async def run(self) -> None:
        await self.loop.run()

    def _node_seen(self, node: Object) -> None:
        name = node["metadata"]["name"]
        self._missing_since.pop(name, None)
        if _is_out_of_service(node):
            self._enqueue_pods(name)

    def _node_gone(self, node: Object) -> None:
        name = node["metadata"]["name"]
        if self._pods.by_index("node", name):
            self._miss(name)

    def _enqueue_pods(self, node: str) -> None:
        for pod in self._pods.by_index("node", node):
            self.loop.enqueue(pod)

    def _pod_seen(self, pod: Object) -> None:
        self._finished += pods.is_finished(pod)
        self._look(pod)

    def _pod_changed(self, old: Object, new: Object) -> None:
        self._finished += pods.is_finished(new) - pods.is_finished(old)
        self._look(new)

    def _pod_gone(self, pod: Object) -> None:
        self._finished -= pods.is_finished(pod)
        node = pod["spec"].get("nodeName", "")
        if node in self._missing_since and not self._pods.by_index("node", node):
            del self._missing_since[node]

    def _look(self, pod: Object) -> None:
        node = pod["spec"].get("nodeName", "")
        if (node and self._is_long_gone(node)) or pods.is_terminating(pod) or self._finished > self._threshold:
            self.loop.enqueue(pod)

    def _is_long_gone(self, node: str) -> bool:
        """Whether a node is missing beyond its quarantine. If only just: all its pods get their turn together, later."""
        if self._nodes.get("", node) is not None:
            return False
        since = self._missing_since.get(node)
        if since is None:
            self._miss(node)
            return False
        return self._clock.monotonic() - since >= QUARANTINE_SECONDS

    def _miss(self, node: str) -> None:
        self._missing_since[node] = self._clock.monotonic()
        self.loop.queue.add_after(("", node), QUARANTINE_SECONDS)

    async def _reconcile(self, key: Key) -> None:
        """Of a pod; a key without a namespace is a node's, whose quarantine is over."""
        if not key[0]:
            if self._nodes.get(*key) is None:
                self._enqueue_pods(key[1])
            return
        if self._finished > self._threshold:
            for pod in surplus_finished(self._pods.items(), self._threshold):
                await self._remove(pod, None)
        if (found := self._pods.get(*key)) is not None:
            await self._check(found)

    async def _check(self, pod: Object) -> None:
        node = pod["spec"].get("nodeName", "")
        if not node:
            if pods.is_terminating(pod):
                await self._remove(pod, None)
            return
        found = self._nodes.get("", node)
        if found is None:
            await self._check_orphan(pod, node)
        elif pods.is_terminating(pod) and _is_out_of_service(found) and not node_health.is_ready(found):
            await self._remove(pod, None)

    async def _check_orphan(self, pod: Object, node: str) -> None:
        now = self._clock.monotonic()
        since = self._missing_since.setdefault(node, now)
        if now - since < QUARANTINE_SECONDS:
            raise Retry(QUARANTINE_SECONDS - (now - since))
        try:
            await self._client.get("nodes", node)
        except NotFound:
            await self._remove(pod, "PodGC: node no longer exists")

    async def _remove(self, pod: Object, why: str | None) -> None:
        """Mark a pod that has not finished as failed, and delete it without grace: no kubelet will confirm."""
        metadata = pod["metadata"]
        try:
            if not pods.is_finished(pod):
                await self._mark_failed(pod, why)
            await self._client.delete(
                "pods", metadata["name"], namespace=metadata["namespace"], grace_period_seconds=0, uid=metadata["uid"]
            )
        except NotFound:
            return

    async def _mark_failed(self, pod: Object, why: str | None) -> None:
        status: Object = {"phase": "Failed"}
        if why is not None:
            now = rfc3339(self._clock.now())
            status["conditions"] = [conditions.make("DisruptionTarget", True, "DeletionByPodGC", why, now=now)]
        metadata = pod["metadata"]
        await self._client.patch(
            "pods",
            metadata["name"],
            {"metadata": {"uid": metadata["uid"]}, "status": status},
            namespace=metadata["namespace"],
            type="strategic",
            subresource="status",
        )


def _is_out_of_service(node: Object) -> bool:
    return any(taint["key"] == OUT_OF_SERVICE for taint in node["spec"].get("taints") or ())
