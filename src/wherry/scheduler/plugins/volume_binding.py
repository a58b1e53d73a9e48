"""Claims of the pod: bound ones must be reachable from the node; others get a volume with the node, or wait.

Source: pkg/scheduler/framework/plugins/volumebinding. Not looked at: CSIStorageCapacity.
"""

from __future__ import annotations

from wherry.api.types import Object
from wherry.client.client import Client
from wherry.policy.volumes import facts
from wherry.scheduler.framework.cluster_event import ClusterEvent
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.plugin import Cluster, Filter, Filtering, PreBind, Reserve
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Status, unresolvable, unschedulable
from wherry.scheduler.storage.decision import ClaimProblem, Decision, Wanted, decide, wanted
from wherry.scheduler.storage.view import Storage
from wherry.scheduler.storage.writes import carry_out, wait_bound

_NAME = "VolumeBinding"
BIND_SECONDS = 600.0


class _Check(Filtering):
    def __init__(self, wants: Wanted, storage: Storage) -> None:
        self._wants = wants
        self._storage = storage

    def filter(self, node: NodeInfo) -> Status | None:
        found = decide(self._wants, node, self._storage)
        return unresolvable(_NAME, *found) if isinstance(found, tuple) else None


class VolumeBinding(Filter, Reserve, PreBind):
    """`client` writes; without one (for explanations) nothing is ever bound."""

    name = _NAME

    def __init__(self, storage: Storage, client: Client | None = None, *, seconds: float = BIND_SECONDS) -> None:
        self._storage = storage
        self._client = client
        self._seconds = seconds
        self._cluster: Cluster | None = None
        self._decided: dict[str, Decision] = {}
        self.events = {
            ClusterEvent.NODE_ADD: has_claims,
            ClusterEvent.NODE_LABEL: has_claims,
            ClusterEvent.CLAIM: names_claim,
            ClusterEvent.VOLUME: has_claims,
            ClusterEvent.STORAGE_CLASS: has_claims,
        }

    def pre_filter(self, pod: PodInfo, cluster: Cluster) -> Filtering | Status | None:
        if not pod.claims:
            return None
        self._cluster = cluster
        try:
            return _Check(wanted(pod, self._storage), self._storage)
        except ClaimProblem as problem:
            return unresolvable(_NAME, str(problem))

    def reserve(self, pod: PodInfo, node: str) -> Status | None:
        info = self._cluster.node(node) if pod.claims and self._cluster is not None else None
        if info is None:
            return None
        try:
            found = decide(wanted(pod, self._storage), info, self._storage)
        except ClaimProblem as problem:
            return unschedulable(_NAME, str(problem))
        if isinstance(found, tuple):
            return unschedulable(_NAME, *found)
        self._assume(pod.uid, found, node)
        return None

    def _assume(self, uid: str, decision: Decision, node: str) -> None:
        """From now on others see the volumes taken."""
        bindings = tuple((_claimed(volume, claim), claim) for volume, claim in decision.bindings)
        provisions = tuple(facts.annotated(claim, **{facts.SELECTED_NODE: node}) for claim in decision.provisions)
        for volume, _ in bindings:
            self._storage.volumes.assume(volume)
        for claim in provisions:
            self._storage.claims.assume(claim)
        self._decided[uid] = Decision(bindings, provisions)

    def unreserve(self, pod: PodInfo, node: str) -> None:
        decision = self._decided.pop(pod.uid, None)
        if decision is not None:
            for volume, _ in decision.bindings:
                self._storage.volumes.take_back(volume)
            for claim in decision.provisions:
                self._storage.claims.take_back(claim)

    async def pre_bind(self, pod: PodInfo, node: str) -> Status | None:
        """Raises the server's errors, and `ConnectionError` or `TimeoutError` where the claims do not get bound."""
        decision = self._decided.get(pod.uid)
        info = self._cluster.node(node) if self._cluster is not None else None
        if decision is None or self._client is None or info is None:
            return None
        if decision.bindings or decision.provisions:
            await carry_out(decision, self._client)
            await self._wait(decision, info)
        self._decided.pop(pod.uid, None)
        return None

    async def _wait(self, decision: Decision, node: NodeInfo) -> None:
        assert self._client is not None
        try:
            async with self._client.clock.timeout(self._seconds):
                await wait_bound(decision, self._storage, node.name, dict(node.labels))
        except TimeoutError as error:
            raise TimeoutError(
                f'running PreBind plugin "{_NAME}": binding volumes: context deadline exceeded'
            ) from error


def _claimed(volume: Object, claim: Object) -> Object:
    """The volume as the binder would write it."""
    if volume["spec"].get("claimRef") is not None:
        return volume
    metadata = claim["metadata"]
    reference = {
        "kind": "PersistentVolumeClaim",
        "apiVersion": "v1",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
    }
    return facts.annotated(facts.dirty(volume, claimRef=reference), **{facts.BOUND_BY_CONTROLLER: "yes"})


def has_claims(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    """The hint of what may concern any claim."""
    return bool(pod.claims)


def names_claim(pod: PodInfo, old: Object | None, new: Object | None) -> bool:
    """Whether the claim that changed is one of the pod's."""
    metadata = (new or old or {}).get("metadata") or {}
    return metadata.get("namespace") == pod.namespace and any(name == metadata.get("name") for name, _ in pod.claims)
