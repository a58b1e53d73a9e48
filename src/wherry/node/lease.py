"""The node's heartbeat: a Lease in kube-node-lease, renewed every ten seconds (KEP-589)."""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.errors import AlreadyExists, Conflict, NotFound, StatusError
from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.times import rfc3339_micro
from wherry.client.client import Client
from wherry.node.config import LEASE_NAMESPACE, NodeConfig


class NodeLease:
    """A component. `node` gives the Node object, the lease's owner."""

    def __init__(
        self, *, client: Client, clock: Clock, config: NodeConfig, node: Callable[[], Object], log: Logger
    ) -> None:
        self._client = client
        self._clock = clock
        self._config = config
        self._node = node
        self._log = log
        self._lease: Object | None = None

    async def run(self) -> None:
        while True:
            delay = self._config.renew_seconds
            try:
                await self._renew()
            except (StatusError, ConnectionError, OSError) as error:
                # The namespace may not be there yet, and a server that restarts is back soon.
                self._log.debug("could not renew the node's lease", error=str(error))
                delay = min(1.0, delay)
            await self._clock.sleep(delay)

    async def _renew(self) -> None:
        if self._lease is None:
            self._lease = await self._create_or_get()
        wanted = {**self._lease, "spec": {**(self._lease.get("spec") or {}), **self._spec()}}
        try:
            self._lease = await self._client.update("leases.coordination.k8s.io", wanted)
        except (NotFound, Conflict):
            self._lease = None
            raise

    def _spec(self) -> Object:
        return {
            "holderIdentity": self._config.name,
            "leaseDurationSeconds": self._config.lease_seconds,
            "renewTime": rfc3339_micro(self._clock.now()),
        }

    async def _create_or_get(self) -> Object:
        metadata: Object = {"name": self._config.name, "namespace": LEASE_NAMESPACE}
        if uid := (self._node().get("metadata") or {}).get("uid"):
            owner = {"apiVersion": "v1", "kind": "Node", "name": self._config.name, "uid": uid}
            metadata["ownerReferences"] = [owner]
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": self._spec(),
        }
        try:
            return await self._client.create("leases.coordination.k8s.io", lease)
        except AlreadyExists:
            return await self._client.get("leases.coordination.k8s.io", self._config.name, namespace=LEASE_NAMESPACE)
