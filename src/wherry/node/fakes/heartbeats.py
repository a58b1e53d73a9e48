"""The leases of all fake nodes, renewed by one task.

A few nodes are renewed together every twenty seconds; of many only so many in a second that they cost next to nothing: a
hundredth of a processor in real time, and on a clock that is moved, where a day must pass in seconds, still less. `grace_seconds`
tells how long whoever watches for silence must wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from wherry.api.errors import AlreadyExists, Conflict, NotFound, StatusError
from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.times import rfc3339_micro
from wherry.base.virtual_clock import VirtualClock
from wherry.client.client import Client
from wherry.node.config import LEASE_NAMESPACE

RENEW_SECONDS = 20.0
"""Half of what a node may be silent: twice as seldom as kubelets, because a day that passes in seconds is mostly leases."""
RENEWALS_PER_SECOND = 100.0
VIRTUAL_RENEWALS_PER_SECOND = 0.5
TOGETHER = 100
"""Up to so many nodes are renewed at one moment."""
LEASES = "leases.coordination.k8s.io"


def period_seconds(nodes: int, *, virtual: bool) -> float:
    """How long it takes until every node has been heard of."""
    return max(RENEW_SECONDS, nodes / (VIRTUAL_RENEWALS_PER_SECOND if virtual else RENEWALS_PER_SECOND))


def grace_seconds(nodes: int, *, virtual: bool) -> float:
    """How long a node may be silent before it counts as lost: upstream's 40 s, more where a round takes longer."""
    period = period_seconds(nodes, virtual=virtual)
    return 40.0 if period <= RENEW_SECONDS else 4 * period


class Heartbeats:
    """A component. `alive` gives the Node objects that are to be heard of now; `report` says that a node is well."""

    def __init__(
        self,
        *,
        client: Client,
        clock: Clock,
        alive: Callable[[], Sequence[Object]],
        report: Callable[[Object], Awaitable[None]],
        log: Logger,
    ) -> None:
        self._report = report
        self._virtual = isinstance(clock, VirtualClock)
        self._client = client
        self._clock = clock
        self._alive = alive
        self._log = log
        self._leases: dict[str, Object] = {}

    async def run(self) -> None:
        while True:
            nodes = self._alive()
            period = period_seconds(len(nodes), virtual=self._virtual)
            if len(nodes) <= TOGETHER:
                await self.renew(nodes)
                await self._clock.sleep(period)
                continue
            tick = max(1.0, period / len(nodes))
            share = max(1, round(len(nodes) * tick / period))
            for start in range(0, len(nodes), share):
                await self.renew(nodes[start : start + share])
                await self._clock.sleep(tick)

    async def renew(self, nodes: Sequence[Object]) -> None:
        """Renew now; what fails is left for the next round."""
        await asyncio.gather(*(self._renew(node) for node in nodes))

    async def _renew(self, node: Object) -> None:
        name = node["metadata"]["name"]
        if not is_ready(node):
            await self._report(node)
        try:
            known = self._leases.get(name)
            if known is None:
                self._leases[name] = await self._create_or_get(node)
            else:
                spec = {**(known.get("spec") or {}), **self._spec(name)}
                self._leases[name] = await self._client.update(LEASES, {**known, "spec": spec})
        except (NotFound, Conflict):
            self._leases.pop(name, None)
        except (StatusError, ConnectionError, OSError) as error:
            self._log.debug("could not renew a fake node's lease", node=name, error=str(error))

    def _spec(self, name: str) -> Object:
        return {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": rfc3339_micro(self._clock.now())}

    async def _create_or_get(self, node: Object) -> Object:
        metadata = node["metadata"]
        owner = {"apiVersion": "v1", "kind": "Node", "name": metadata["name"], "uid": metadata["uid"]}
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": metadata["name"], "namespace": LEASE_NAMESPACE, "ownerReferences": [owner]},
            "spec": self._spec(metadata["name"]),
        }
        try:
            return await self._client.create(LEASES, lease)
        except AlreadyExists:
            found = await self._client.get(LEASES, metadata["name"], namespace=LEASE_NAMESPACE)
            return await self._client.update(
                LEASES, {**found, "spec": {**found["spec"], **self._spec(metadata["name"])}}
            )


def is_ready(node: Object) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
