"""How long kubelets may keep secrets and config maps without asking again: longer, the more nodes there are.

It stands in an annotation of each node. Source: k8s.io/kubernetes pkg/controller/ttl.
"""

from __future__ import annotations

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.client.informer import Key
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop

ANNOTATION = "node.alpha.kubernetes.io/ttl"
STEPS: tuple[tuple[int, int | None, int], ...] = (
    (0, 100, 0),
    (90, 500, 15),
    (450, 1000, 30),
    (900, 2000, 60),
    (1800, None, 300),
)
"""Fewest and most nodes, seconds. The ranges overlap, so that a node that comes and goes changes nothing."""


def next_step(step: int, nodes: int) -> int:
    """The step for a cluster that is at `step` and now has so many nodes."""
    while nodes < STEPS[step][0]:
        step -= 1
    while (most := STEPS[step][1]) is not None and nodes > most:
        step += 1
    return step


class TTLController:
    """A component; see the module. Nodes that are there already follow a new step at their next heartbeat."""

    name = "ttl"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._nodes = context.informers.informer("nodes")
        self._count = 0
        self._step = 0
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._nodes,),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, 2),
        )
        self._nodes.add_handler(self._came, lambda old, new: self._look(new), self._went)

    async def run(self) -> None:
        await self.loop.run()

    def _came(self, node: Object) -> None:
        self._count += 1
        self._step = next_step(self._step, self._count)
        self._look(node)

    def _went(self, _: Object) -> None:
        self._count -= 1
        self._step = next_step(self._step, self._count)

    def _look(self, node: Object) -> None:
        if (node["metadata"].get("annotations") or {}).get(ANNOTATION) != self._wanted():
            self.loop.enqueue(node)

    def _wanted(self) -> str:
        return str(STEPS[self._step][2])

    async def _reconcile(self, key: Key) -> None:
        node, wanted = self._nodes.get(*key), self._wanted()
        if node is None or (node["metadata"].get("annotations") or {}).get(ANNOTATION) == wanted:
            return
        try:
            await self._client.patch("nodes", key[1], {"metadata": {"annotations": {ANNOTATION: wanted}}})
        except NotFound:
            return
