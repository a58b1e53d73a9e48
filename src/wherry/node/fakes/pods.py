"""The pods of all fake nodes: who is due next, and the write that brings him on.

One queue holds the pods whose moment has come and those whose moment will come; `stages` tells what to write. What is
kept here between two writes are moments more exact than a status can tell them, and addresses; both can be lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wherry.api.errors import Conflict, NotFound, StatusError
from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.client.client import Client
from wherry.client.informer import Informer, Key, key_of
from wherry.client.workqueue import WorkQueue
from wherry.node.fakes import stages
from wherry.node.fakes.addresses import Addresses
from wherry.node.fakes.life import Lives
from wherry.node.fakes.stages import Act, Stage
from wherry.node.pod import spec

WORKERS = 16
HOST = "127.0.0.1"


class FakePods:
    """A component. `node_of` gives the addresses of a fake node by its name, None for nodes that are not ours or silent."""

    def __init__(
        self,
        *,
        client: Client,
        clock: Clock,
        pods: Informer,
        lives: Lives,
        node_of: Callable[[str], Addresses | None],
        forget: Callable[[str], None],
        log: Logger,
    ) -> None:
        self._client = client
        self._clock = clock
        self._pods = pods
        self._lives = lives
        self._node_of = node_of
        self._forget = forget
        self._log = log
        self._queue: WorkQueue[Key] = WorkQueue(clock=clock)
        self._since: dict[str, tuple[tuple[Stage, int], float]] = {}
        self._rebooted: set[str] = set()
        pods.add_index("node", lambda pod: (pod["spec"].get("nodeName", ""),))

    async def run(self) -> None:
        handler = self._pods.add_handler(self._seen, lambda old, new: self._seen(new), self._gone)
        try:
            await self._pods.wait_synced()
            async with asyncio.TaskGroup() as group:
                for _ in range(WORKERS):
                    group.create_task(self._work())
        finally:
            self._pods.remove_handler(handler)
            self._queue.close()

    def on_node(self, name: str) -> list[Object]:
        return self._pods.by_index("node", name)

    def find(self, namespace: str, name: str) -> Object | None:
        """A pod on one of our nodes."""
        pod = self._pods.get(namespace, name)
        return pod if pod is not None and self._node_of(pod["spec"].get("nodeName", "")) is not None else None

    def look_at(self, node: str, *, rebooted: bool = False) -> None:
        """A node is there, or there again; `rebooted`, its containers were lost."""
        for pod in self.on_node(node):
            if rebooted:
                self._rebooted.add(spec.uid(pod))
            self._seen(pod)

    def _seen(self, pod: Object) -> None:
        if (node := self._node_of(pod["spec"].get("nodeName", ""))) is None:
            return
        if (address := (pod.get("status") or {}).get("podIP")) and not spec.uses_host_network(pod):
            node.keep(spec.uid(pod), address)  # whoever gave it, nobody else gets it
        self._queue.add(key_of(pod))

    def _gone(self, pod: Object) -> None:
        uid = spec.uid(pod)
        self._since.pop(uid, None)
        self._rebooted.discard(uid)
        self._queue.forget(key_of(pod))
        self._forget(uid)
        if (node := self._node_of(pod["spec"].get("nodeName", ""))) is not None:
            node.give_back(uid)

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                await self._reconcile(key)
                self._queue.forget(key)
            except (NotFound, Conflict):
                self._queue.forget(key)  # gone, or another one has its name: its own event comes
            except (StatusError, ConnectionError, OSError) as error:
                self._queue.add_rate_limited(key)
                self._log.warning("could not bring a fake pod on", pod="/".join(key), error=str(error))
            except Exception:  # noqa: BLE001 - one odd pod must not stop the others
                self._queue.add_rate_limited(key)
                self._log.exception("a fake pod failed", pod="/".join(key))
            finally:
                self._queue.done(key)

    async def _reconcile(self, key: Key) -> None:
        pod = self._pods.get(*key)
        if pod is None or (node := self._node_of(pod["spec"].get("nodeName", ""))) is None:
            return None
        uid, now = spec.uid(pod), self._clock.now()
        if uid in self._rebooted:
            self._rebooted.discard(uid)
            if stages.stage_of(pod) in (Stage.RUNNING, Stage.READY):
                return await self._write(pod, Act.REBOOT, node)
        step = stages.next_step(pod, self._lives.of(pod))
        if step is None:
            return None
        due = self._stage_began(pod, uid, now) + step.after
        if due > now:
            self._queue.add_after(key, due - now)
            return None
        if step.act is Act.REMOVE:
            return await self._remove(pod, node)
        return await self._write(pod, step.act, node)

    def _stage_began(self, pod: Object, uid: str, now: float) -> float:
        key = stages.key_of_stage(pod)
        known = self._since.get(uid)
        if known is None or known[0] != key:
            # A stage that we brought about began now; one that we find was written down.
            known = self._since[uid] = (key, stages.since(pod, now) if known is None else now)
        return known[1]

    async def _write(self, pod: Object, act: Act, node: Addresses) -> None:
        now, uid = self._clock.now(), spec.uid(pod)
        known = pod.get("status") or {}
        host_network = spec.uses_host_network(pod)
        address = HOST if host_network else ("" if act is Act.FAIL_IMAGE else node.take(uid))
        wanted = stages.next_status(pod, self._lives.of(pod), act, now=now, address=address, host=HOST)
        if all(known.get(field) == value for field, value in wanted.items()):
            return
        # Of this very version: what others have written meanwhile would be lost in the list of conditions.
        metadata = {"uid": uid, "resourceVersion": pod["metadata"]["resourceVersion"]}
        patch = {"metadata": metadata, "status": wanted}
        await self._client.patch("pods", spec.name(pod), patch, namespace=spec.namespace(pod), subresource="status")

    async def _remove(self, pod: Object, node: Addresses) -> None:
        """The controllers of some pods want to see how they ended: those who have a finalizer on them."""
        over = (pod.get("status") or {}).get("phase") in spec.TERMINAL_PHASES
        if pod["metadata"].get("finalizers") and not over:
            await self._write(pod, Act.REMOVE, node)
        await self._client.delete(
            "pods", spec.name(pod), namespace=spec.namespace(pod), grace_period_seconds=0, uid=spec.uid(pod)
        )
