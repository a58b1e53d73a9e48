"""Claims for devices: those that have theirs hold the pod to nodes that reach them, others get theirs with the node.

Source: pkg/scheduler/framework/plugins/dynamicresources (KEP-4381, structured parameters). A pod that finds no node does not
make others' claims give up their devices.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.types import Object
from wherry.client.client import Client
from wherry.policy.devices import claims as facts
from wherry.policy.devices.offers import Id, Offers, taken
from wherry.policy.node_selector import selects
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
    """A claim that the pod got at an earlier try, and nobody else uses, may get other devices elsewhere."""

    def __init__(self, pod: PodInfo, claims: Sequence[Object], devices: Devices) -> None:
        self._pod = pod.obj
        self._claims = claims
        self._devices = devices
        self._offers: Offers | None = None
        self._taken: set[Id] = set()

    def filter(self, node: NodeInfo) -> Status | None:
        found = self.decide(node)
        return found if isinstance(found, Status) else None

    def decide(self, node: NodeInfo) -> Status | list[Object]:
        """The claims that are to be written if the pod gets this node, as they are then."""
        fixed = [claim for claim in self._claims if _reaches(facts.allocation(claim), node)]
        unsettled = [claim for claim in self._claims if claim not in fixed]
        if any(facts.allocation(claim) is not None and not self._is_alone(claim) for claim in unsettled):
            return NOT_HERE
        given = self._allocations(unsettled, node)
        if given is None:
            return NOT_ENOUGH
        joined = [facts.reserved(claim, self._pod) for claim in fixed if not facts.is_reserved_for(claim, self._pod)]
        return joined + [facts.reserved(claim, self._pod, new) for claim, new in zip(unsettled, given, strict=True)]

    def _is_alone(self, claim: Object) -> bool:
        return facts.is_reserved_for(claim, self._pod) and len(facts.reserved_for(claim)) == 1

    def _allocations(self, claims: list[Object], node: NodeInfo) -> list[Object] | None:
        if not claims:
            return []
        # Only pods with claims for devices need CEL.
        from wherry.policy.devices.allocator import Search

        if self._offers is None:
            self._offers, self._taken = Offers(self._devices.slices.items()), taken(self._devices.claims.items())
        offered, complete = self._offers.on_node(node.labels, node.name)
        others = self._taken - taken(claims)
        return Search(offered, others, self._devices.class_named, complete=complete).allocate(claims)


def _reaches(allocation: Object | None, node: NodeInfo) -> bool:
    """Whether a claim has devices that the node can use."""
    if allocation is None:
        return False
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
        return _Check(pod, claims, self._devices) if claims else None

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
        found = _Check(pod, claims, self._devices).decide(info)
        if isinstance(found, Status):
            return found
        self._decided[pod.uid] = found
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
        elif self._changes_devices(claim):
            empty = {k: v for k, v in claim["status"].items() if k not in ("allocation", "reservedFor", "devices")}
            saved = await self._client.update(CLAIMS, {**claim, "status": empty}, subresource="status")
            claim = {**claim, "metadata": saved["metadata"]}
        await self._client.update(CLAIMS, claim, subresource="status")

    def _changes_devices(self, claim: Object) -> bool:
        """The server lets devices be given and taken, not changed."""
        told = self._devices.claims.told(claim["metadata"]["namespace"], claim["metadata"]["name"]) or {}
        return facts.allocation(told) not in (None, facts.allocation(claim))


def has_claims(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    return "resourceClaims" in pod.spec
