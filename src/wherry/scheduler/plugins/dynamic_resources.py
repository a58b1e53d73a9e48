"""Claims for devices: those that have theirs hold the pod to nodes that reach them, others get theirs with the node.

Source: pkg/scheduler/framework/plugins/dynamicresources (KEP-4381, structured parameters). A pod that finds no node does not
make others' claims give up their devices.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.types import Object
from wherry.client.client import Client
from wherry.policy.devices import claims as facts
from wherry.policy.devices.offers import on_node, taken
from wherry.policy.volumes.topology import selects
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster, Filter, Filtering, PreBind, Reserve
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status, unresolvable, unschedulable
from wherry.scheduler.storage.devices import CLAIMS, Devices

_NAME = "DynamicResources"
NOT_HERE = unresolvable(_NAME, "resourceclaim not available on the node")
NOT_ENOUGH = unschedulable(_NAME, "cannot allocate all claims")


class _Problem(Exception):
    """No node will do as long as this is so."""


class _Check(Filtering):
    def __init__(self, claims: Sequence[Object], devices: Devices) -> None:
        self._fixed = [found for claim in claims if (found := facts.allocation(claim)) is not None]
        self._open = [claim for claim in claims if facts.allocation(claim) is None]
        self._devices = devices
        self._taken = taken(devices.claims.items()) if self._open else set()

    def filter(self, node: NodeInfo) -> Status | None:
        if not all(_reaches(allocation, node) for allocation in self._fixed):
            return NOT_HERE
        return NOT_ENOUGH if self.allocations(node) is None else None

    def allocations(self, node: NodeInfo) -> list[Object] | None:
        """For the claims that have no devices yet."""
        if not self._open:
            return []
        # Only pods with claims for devices need CEL.
        from wherry.policy.devices.allocator import Search

        offered, complete = on_node(self._devices.slices.items(), node.labels, node.name)
        search = Search(offered, self._taken, self._devices.class_named, complete=complete)
        return search.allocate(self._open)


def _reaches(allocation: Object, node: NodeInfo) -> bool:
    selector = allocation.get("nodeSelector")
    return selector is None or selects(selector.get("nodeSelectorTerms") or (), node.labels, node.name)


class DynamicResources(Filter, Reserve, PreBind):
    """`client` writes; without one (for explanations) nothing is ever allocated."""

    name = _NAME

    def __init__(self, devices: Devices, client: Client | None = None) -> None:
        self._devices = devices
        self._client = client
        self._cluster: Cluster | None = None
        self._decided: dict[str, list[Object]] = {}
        self.events = {
            ClusterEvent.NODE_ADD: has_claims,
            ClusterEvent.NODE_LABEL: has_claims,
            ClusterEvent.DEVICE_CLAIM: has_claims,
            ClusterEvent.DEVICE_SLICE: has_claims,
            ClusterEvent.DEVICE_CLASS: has_claims,
            ClusterEvent.TARGET_CLAIMS: has_claims,
        }

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering | Status | None:
        if "resourceClaims" not in pod.spec:
            return None
        self._cluster = cluster
        try:
            claims = self._claims(pod)
        except _Problem as problem:
            return unresolvable(_NAME, str(problem))
        return _Check(claims, self._devices) if claims else None

    def _claims(self, pod: PodInfo) -> list[Object]:
        found = [self._claim(pod, *each) for each in facts.named(pod.obj)]
        for claim in found:
            if facts.allocation(claim) is None:
                self._check_classes(claim)
            elif not facts.is_reserved_for(claim, pod.obj) and len(facts.reserved_for(claim)) >= facts.MAX_CONSUMERS:
                raise _Problem("resourceclaim in use")
        return found

    def _claim(self, pod: PodInfo, pod_claim: str, name: str | None, own: bool) -> Object:
        if name is None:
            raise _Problem(f'pod "{pod.namespace}/{pod.name}": claim "{pod_claim}": ResourceClaim not created yet')
        claim = self._devices.claims.get(pod.namespace, name)
        if claim is None:
            raise _Problem(f'resourceclaim.resource.k8s.io "{name}" not found')
        if claim["metadata"].get("deletionTimestamp"):
            raise _Problem(f'resourceclaim "{name}" is being deleted')
        if own and not facts.is_made_for(claim, pod.obj):
            where = f"{pod.namespace}/{name} was not created for pod {pod.namespace}/{pod.name}"
            raise _Problem(f"ResourceClaim {where} (pod is not owner)")
        return claim

    def _check_classes(self, claim: Object) -> None:
        for request, class_ in facts.classes_of(claim):
            if self._devices.class_named(class_) is None:
                raise _Problem(f"request {request}: device class {class_} does not exist")

    def reserve(self, pod: PodInfo, node: str) -> Status | None:
        info = self._cluster.node(node) if "resourceClaims" in pod.spec and self._cluster is not None else None
        if info is None:
            return None
        try:
            claims = self._claims(pod)
        except _Problem as problem:
            return unschedulable(_NAME, str(problem))
        allocations = _Check(claims, self._devices).allocations(info)
        if allocations is None:
            return NOT_ENOUGH
        given = iter(allocations)
        self._decided[pod.uid] = [
            facts.reserved(claim, pod.obj, next(given) if facts.allocation(claim) is None else None)
            for claim in claims
            if not facts.is_reserved_for(claim, pod.obj)
        ]
        for claim in self._decided[pod.uid]:
            self._devices.claims.assume(claim)
        return None

    def unreserve(self, pod: PodInfo, node: str) -> None:
        for claim in self._decided.pop(pod.uid, ()):
            self._devices.claims.take_back(claim)

    async def pre_bind(self, pod: PodInfo, node: str) -> Status | None:
        """Raises the server's errors: `Conflict` where a claim has changed since."""
        for claim in self._decided.get(pod.uid, ()) if self._client is not None else ():
            await self._write(claim)
        self._decided.pop(pod.uid, None)
        return None

    async def _write(self, claim: Object) -> None:
        """First the finalizer: a claim with devices must not vanish before they are given back."""
        assert self._client is not None
        finalizers = claim["metadata"].get("finalizers") or []
        if facts.FINALIZER not in finalizers:
            metadata = {**claim["metadata"], "finalizers": [*finalizers, facts.FINALIZER]}
            saved = await self._client.update(CLAIMS, {**claim, "metadata": metadata})
            claim = {**claim, "metadata": saved["metadata"]}
        await self._client.update(CLAIMS, claim, subresource="status")


def has_claims(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    return "resourceClaims" in pod.spec
