"""The disruption budget loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from wherry.api.errors import NotFound, StatusError
from wherry.api.resources import lookup
from wherry.api.types import Object
from wherry.client.discovery import Discovery
from wherry.client.informer import Key
from wherry.controllers import owners, pods
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop
from wherry.controllers.disruption import budget as budgets
from wherry.controllers.disruption.stale import StaleDisruptions
from wherry.controllers.replicaset import replicas_of
from wherry.controllers.selection import by_selector
from wherry.machinery import selectors

RESOURCE = lookup("poddisruptionbudgets.policy")
_SCALED = {
    "ReplicaSet": "replicasets.apps",
    "Deployment": "deployments.apps",
    "StatefulSet": "statefulsets.apps",
    "ReplicationController": "replicationcontrollers",
}


class _NoScale(Exception):
    """Nobody can say how many pods a controller should have."""


class DisruptionController:
    """A component; see the package."""

    name = "disruption"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._discovery = Discovery(context.client)
        self._recorder = context.recorder("controllermanager")
        self._budgets = context.informers.informer(RESOURCE)
        self._pods = context.informers.informer("pods")
        self._scaled = {kind: context.informers.informer(resource) for kind, resource in _SCALED.items()}
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._budgets, self._pods, *self._scaled.values()),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, 1),
        )
        self._stale = StaleDisruptions(context, self._pods)
        self.loop.follow(self._budgets)
        self._pods.add_handler(self._pod_seen, self._pod_changed, self._pod_seen)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.loop.run())
            group.create_task(self._stale.run())

    def _pod_changed(self, old: Object, new: Object) -> None:
        before, after = old["metadata"], new["metadata"]
        if before.get("labels") != after.get("labels"):
            self._pod_seen(old)
        elif (pods.is_ready(old), pods.is_terminating(old), before.get("ownerReferences")) == (
            pods.is_ready(new),
            pods.is_terminating(new),
            after.get("ownerReferences"),
        ):
            return
        self._pod_seen(new)

    def _pod_seen(self, pod: Object) -> None:
        labels = pod["metadata"].get("labels") or {}
        for found in self._budgets.in_namespace(pod["metadata"]["namespace"]):
            if by_selector(found["spec"].get("selector"))(labels):
                self.loop.enqueue(found)

    async def _reconcile(self, key: Key) -> None:
        budget = self._budgets.get(*key)
        if budget is None:
            return
        matches = by_selector(budget["spec"].get("selector"))
        found = [p for p in self._pods.in_namespace(key[0]) if matches(p["metadata"].get("labels") or {})]
        if not found:
            self._recorder.event(budget, "Normal", "NoPods", "No matching pods found")
        now = self._clock.now()
        try:
            expected = await self._expected(budget, found)
        except (_NoScale, StatusError) as error:
            message = f"Failed to calculate the number of expected pods: {error}"
            self._recorder.event(budget, "Warning", "CalculateExpectedPodCountFailed", message)
            await self._write(budget, budgets.failed_status(budget, str(error), now))
            if isinstance(error, StatusError):
                raise
            return
        kept, late = budgets.disrupted(budget, found, now)
        for pod in late:
            message = f"Pod was expected by PDB {'/'.join(key)} to be deleted but it wasn't"
            self._recorder.event(pod, "Warning", "NotDeleted", message)
        await self._write(budget, budgets.next_status(budget, found, expected, kept, now))
        if (wait := budgets.recheck_in(kept, now)) is not None:
            self.loop.queue.add_after(key, wait)

    async def _write(self, budget: Object, status: Object) -> None:
        if status != budget.get("status"):
            await self._client.update(RESOURCE, {**budget, "status": status}, subresource="status")

    async def _expected(self, budget: Object, found: Sequence[Object]) -> int:
        """How many pods there should be."""
        if not budgets.needs_scale(budget):
            return len(found)
        scales: dict[str, int] = {}
        unmanaged = False
        for pod in found:
            reference = owners.controller_of(pod)
            if reference is None:
                unmanaged = True
            elif reference["uid"] not in scales:
                uid, scale = await self._scale(pod, reference)
                scales[reference["uid"]] = 0 if uid in scales else scale
                scales.setdefault(uid, 0)
        if unmanaged:
            self._warn_of_unmanaged(budget)
        return sum(scales.values())

    async def _scale(self, pod: Object, reference: Object) -> tuple[str, int]:
        """The uid of the topmost controller that has a size, and the size."""
        namespace = pod["metadata"]["namespace"]
        informer = self._scaled.get(reference["kind"])
        owner = informer.get(namespace, reference["name"]) if informer else None
        if owner is None or owner["metadata"]["uid"] != reference["uid"]:
            return reference["uid"], await self._scale_of_other(namespace, reference)
        above = owners.controller_of(owner)
        if above is not None and above["kind"] == "Deployment":
            deployment = self._scaled["Deployment"].get(namespace, above["name"])
            if deployment is not None and deployment["metadata"]["uid"] == above["uid"]:
                return above["uid"], replicas_of(deployment)
        return reference["uid"], replicas_of(owner)

    async def _scale_of_other(self, namespace: str, reference: Object) -> int:
        """Anything else that has a scale subresource, custom resources too."""
        try:
            resource = await self._discovery.for_kind(reference["apiVersion"], reference["kind"])
            found = await self._client.get(resource, reference["name"], namespace=namespace, subresource="scale")
        except NotFound as error:
            kind = f"{reference['kind']}.{reference['apiVersion'].rpartition('/')[0]}"
            raise _NoScale(f"{kind} {reference['name']} does not implement the scale subresource") from error
        return (found.get("spec") or {}).get("replicas", 0)

    def _warn_of_unmanaged(self, budget: Object) -> None:
        selector = selectors.to_text(budget["spec"].get("selector"))
        message = (
            f"Pods selected by this PodDisruptionBudget (selector: {selector}) were found to be unmanaged. As a result, "
            "the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for "
            'these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
        )
        self._recorder.event(budget, "Warning", "UnmanagedPods", message)
