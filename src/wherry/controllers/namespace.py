"""Namespaces that are being deleted: delete all that is in them, pods first, then take the `kubernetes` finalizer away.

Source: k8s.io/kubernetes pkg/controller/namespace; pods first is KEP-5080.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from wherry.api.errors import MethodNotAllowed, NotFound, StatusError
from wherry.api.resources import Resource, lookup
from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.client.discovery import Discovery
from wherry.client.informer import Key
from wherry.controllers import conditions
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Retry

FINALIZER = "kubernetes"
QUICK_RETRIES = 20
QUICK_RETRY_SECONDS = 0.5
SLOW_RETRY_SECONDS = 8.0
_PARALLEL = 8

_GOOD = {
    "NamespaceDeletionDiscoveryFailure": ("ResourcesDiscovered", "All resources successfully discovered"),
    "NamespaceDeletionGroupVersionParsingFailure": (
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    "NamespaceContentRemaining": ("ContentRemoved", "All content successfully removed"),
    "NamespaceFinalizersRemaining": ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
}
"""Each condition with its reason and message while nothing is wrong (status False)."""


@dataclass(slots=True)
class Remains:
    """What is still there after everything was asked to go."""

    counts: dict[str, int] = field(default_factory=dict)
    finalizers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    discovery_failure: str = ""

    @property
    def anything(self) -> bool:
        return bool(self.counts or self.failures or self.discovery_failure)


def wrongs(remains: Remains) -> dict[str, tuple[str, str]]:
    """The conditions that are True, with reason and message."""
    found: dict[str, tuple[str, str]] = {}
    if remains.discovery_failure:
        message = f"Discovery failed for some groups, {remains.discovery_failure}"
        found["NamespaceDeletionDiscoveryFailure"] = ("DiscoveryFailed", message)
    if remains.failures:
        message = f"Failed to delete all resource types, {len(remains.failures)} remaining: "
        found["NamespaceDeletionContentFailure"] = (
            "ContentDeletionFailed",
            message + ", ".join(sorted(remains.failures)),
        )
    if remains.counts:
        parts = (f"{name} has {count} resource instances" for name, count in sorted(remains.counts.items()))
        found["NamespaceContentRemaining"] = (
            "SomeResourcesRemain",
            f"Some resources are remaining: {', '.join(parts)}",
        )
    if remains.finalizers:
        parts = (f"{name} in {count} resource instances" for name, count in sorted(remains.finalizers.items()))
        message = f"Some content in the namespace has finalizers remaining: {', '.join(parts)}"
        found["NamespaceFinalizersRemaining"] = ("SomeFinalizersRemain", message)
    return found


def next_conditions(before: Sequence[Object] | None, remains: Remains, now: str) -> list[Object]:
    """The five conditions of a namespace that is being deleted."""
    result = list(before or ())
    true = wrongs(remains)
    for type_, good in _GOOD.items():
        reason, message = true.get(type_, good)
        new = conditions.make(type_, type_ in true, reason, message, now=now)
        current = conditions.find(result, type_)
        if current is not None and {**new, "lastTransitionTime": current.get("lastTransitionTime")} == current:
            continue
        if current is not None and current["status"] == new["status"]:
            new["lastTransitionTime"] = current.get("lastTransitionTime", now)
        result = [*conditions.without(result, type_), new]
    return result


class NamespaceController:
    """A component; see the module."""

    name = "namespace"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._discovery = Discovery(context.client)
        self._namespaces = context.informers.informer("namespaces")
        self._pods = context.informers.informer("pods")
        self._tries: Counter[str] = Counter()
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._namespaces,),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, 10),
        )
        self._namespaces.add_handler(self._changed, lambda old, new: self._changed(new), self._gone)
        self._pods.add_handler(on_delete=self._pod_gone)

    async def run(self) -> None:
        await self.loop.run()

    def _changed(self, namespace: Object) -> None:
        if namespace["metadata"].get("deletionTimestamp"):
            self.loop.enqueue(namespace)

    def _gone(self, namespace: Object) -> None:
        self._tries.pop(namespace["metadata"]["uid"], None)

    def _pod_gone(self, pod: Object) -> None:
        """The last pod is what a dying namespace mostly waits for."""
        namespace = self._namespaces.get("", pod["metadata"]["namespace"])
        if namespace is not None and namespace["metadata"].get("deletionTimestamp"):
            self.loop.enqueue(namespace)

    async def _reconcile(self, key: Key) -> None:
        try:
            namespace = await self._client.get("namespaces", key[1])
        except NotFound:
            return
        if not namespace["metadata"].get("deletionTimestamp") or not namespace["spec"].get("finalizers"):
            return
        remains = await self._empty(key[1])
        namespace = await self._write_status(namespace, remains)
        if remains.anything:
            raise Retry(self._pause(namespace["metadata"]["uid"]))
        await self._finalize(namespace)

    def _pause(self, uid: str) -> float:
        self._tries[uid] += 1
        return QUICK_RETRY_SECONDS if self._tries[uid] <= QUICK_RETRIES else SLOW_RETRY_SECONDS

    async def _empty(self, namespace: str) -> Remains:
        remains = Remains()
        try:
            served = await self._discovery.preferred(refresh=True)
        except (StatusError, KeyError) as error:
            remains.discovery_failure = str(error)
            served = ()
        await self._delete_all(lookup("pods"), namespace, remains)
        if remains.anything:
            return remains
        limit = asyncio.Semaphore(_PARALLEL)

        async def delete(resource: Resource) -> None:
            async with limit:
                await self._delete_all(resource, namespace, remains)

        async with asyncio.TaskGroup() as group:
            for resource in to_empty(served):
                if resource.api_version not in self._discovery.stale:
                    group.create_task(delete(resource))
        # What cannot be asked may still have something in the namespace.
        if stale := sorted(self._discovery.stale):
            why = ", ".join(f"{each}: stale GroupVersion discovery: {each}" for each in stale)
            remains.discovery_failure = f"1 failing: unable to retrieve the complete list of server APIs: {why}"
        return remains

    async def _delete_all(self, resource: Resource, namespace: str, remains: Remains) -> None:
        """Ask for everything of one resource to go, and count what stays."""
        try:
            await self._delete_collection(resource, namespace)
            left = (await self._client.list(resource, namespace=namespace))["items"]
        except (NotFound, MethodNotAllowed):
            return
        except StatusError as error:
            remains.failures.append(f"{resource.qualified}: {error}")
            return
        if not left:
            return
        remains.counts[_dotted(resource)] = len(left)
        remains.finalizers.update(name for obj in left for name in obj["metadata"].get("finalizers") or ())

    async def _delete_collection(self, resource: Resource, namespace: str) -> None:
        if "deletecollection" in resource.verbs:
            await self._client.delete_collection(resource, namespace=namespace, propagation_policy="Background")
            return
        for obj in (await self._client.list(resource, namespace=namespace))["items"]:
            try:
                await self._client.delete(
                    resource, obj["metadata"]["name"], namespace=namespace, propagation_policy="Background"
                )
            except NotFound:
                continue

    async def _write_status(self, namespace: Object, remains: Remains) -> Object:
        before = namespace.get("status") or {}
        found = next_conditions(before.get("conditions"), remains, rfc3339(self._clock.now()))
        status = {**before, "phase": "Terminating", "conditions": found}
        if status == before:
            return namespace
        return await self._client.update("namespaces", {**namespace, "status": status}, subresource="status")

    async def _finalize(self, namespace: Object) -> None:
        left = [name for name in namespace["spec"]["finalizers"] if name != FINALIZER]
        changed = {**namespace, "spec": {**namespace["spec"], "finalizers": left}}
        try:
            await self._client.update("namespaces", changed, subresource="finalize")
        except NotFound:
            return


def to_empty(served: Iterable[Resource]) -> list[Resource]:
    """The resources that a namespace must be emptied of, apart from pods."""
    return [
        resource
        for resource in served
        if resource.namespaced
        and "list" in resource.verbs
        and ("delete" in resource.verbs or "deletecollection" in resource.verbs)
        and (resource.group, resource.plural) != ("", "pods")
    ]


def _dotted(resource: Resource) -> str:
    """`pods.`, `deployments.apps`: as upstream words it in the condition."""
    return f"{resource.plural}.{resource.group}"
