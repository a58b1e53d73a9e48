"""The loop. One worker: who gets which address is decided one after another."""

from __future__ import annotations

from wherry.api.errors import NotFound
from wherry.api.types import Object
from wherry.base.address_pool import parse_pool
from wherry.client.informer import Key, key_of
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop, Retry
from wherry.controllers.loadbalancer.wanted import FINALIZER, address_of, has_finalizer, ingress, is_cared_for, is_ours

RETRY_SECONDS = 60.0


class NoAddress(Exception):
    """The pool has not what is asked for; the message says why."""


class LoadBalancerController:
    """A component; see the package. Without a pool it leaves everything to others."""

    name = "service"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._pool = parse_pool(context.config.load_balancer_pool)
        self._recorder = context.recorder("service-controller")
        self._services = context.informers.informer("services")
        self._owners: dict[str, Key] = {}
        """Who has an address."""
        self._waiting: set[Key] = set()
        """Who found none."""
        self.loop = Loop(
            self.name, self._reconcile, clock=context.clock, needs=(self._services,), log=context.log, workers=1
        )
        if self._pool.networks:
            self._services.add_handler(self._seen, lambda old, new: self._seen(new), self._gone)

    async def run(self) -> None:
        # Before anybody is given an address, those that have one keep it.
        await self._services.wait_synced()
        for service in self._services.items():
            if is_ours(service) and (address := address_of(service)) in self._pool:
                self._owners.setdefault(address, key_of(service))
        await self.loop.run()

    def _seen(self, service: Object) -> None:
        if is_ours(service) or is_cared_for(service):
            self.loop.enqueue(service)

    def _gone(self, service: Object) -> None:
        self._free(key_of(service))

    async def _reconcile(self, key: Key) -> None:
        service = self._services.get(*key)
        if service is None:
            return
        try:
            if is_ours(service):
                await self._ensure(key, service)
            elif is_cared_for(service):
                await self._clean_up(key, service)
        except NotFound:
            return

    async def _ensure(self, key: Key, service: Object) -> None:
        wanted = service["spec"].get("loadBalancerIP") or ""
        has = address_of(service)
        if has_finalizer(service) and self._owners.get(has) == key and wanted in ("", has):
            return
        if key not in self._waiting:
            self._recorder.event(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer")
        if not has_finalizer(service):
            await self._set_finalizers(key, service, [*(service["metadata"].get("finalizers") or ()), FINALIZER])
        try:
            address = self._choose(key, wanted)
        except NoAddress as error:
            self._waiting.add(key)
            text = f"Error syncing load balancer: failed to ensure load balancer: {error}"
            self._recorder.event(service, "Warning", "SyncLoadBalancerFailed", text)
            raise Retry(RETRY_SECONDS) from error
        self._waiting.discard(key)
        if address != has:
            patch = {"status": {"loadBalancer": ingress(address)}}
            await self._client.patch("services", key[1], patch, namespace=key[0], subresource="status")
        self._recorder.event(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer")

    def _choose(self, key: Key, wanted: str) -> str:
        """What it has, what it wants, or the next free one. Raises `NoAddress`."""
        mine = next((address for address, owner in self._owners.items() if owner == key), "")
        if wanted and wanted != mine:
            if wanted not in self._pool:
                raise NoAddress(f"{wanted} is not in the pool {self._pool.text}")
            if (owner := self._owners.get(wanted)) is not None:
                raise NoAddress(f"{wanted} is in use by {'/'.join(owner)}")
            self._free(key)
        elif mine:
            return mine
        address = wanted or self._pool.first_free(self._owners)
        if address is None:
            raise NoAddress(f"the pool {self._pool.text} is used up")
        self._owners[address] = key
        return address

    async def _clean_up(self, key: Key, service: Object) -> None:
        self._recorder.event(service, "Normal", "DeletingLoadBalancer", "Deleting load balancer")
        if address_of(service):
            patch = {"status": {"loadBalancer": {"ingress": None}}}
            await self._client.patch("services", key[1], patch, namespace=key[0], subresource="status")
        rest = [each for each in service["metadata"]["finalizers"] if each != FINALIZER]
        await self._set_finalizers(key, service, rest)
        self._free(key)
        self._recorder.event(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer")

    async def _set_finalizers(self, key: Key, service: Object, finalizers: list[str]) -> None:
        patch = {"metadata": {"uid": service["metadata"]["uid"], "finalizers": finalizers or None}}
        await self._client.patch("services", key[1], patch, namespace=key[0])

    def _free(self, key: Key) -> None:
        """Let go of its address; those who wait look again."""
        self._waiting.discard(key)
        for address in [address for address, owner in self._owners.items() if owner == key]:
            del self._owners[address]
            for other in self._waiting:
                self.loop.queue.add(other)
