"""An IPAddress object for every address of a service, and none without one; what is wrong beyond that is told by events.

What always holds: when a service was created, its objects are there before the client is answered. Everything else (an object
that somebody removed, one with a wrong reference, one whose service is gone) is mended as soon as it is seen. A task lives
only while there is something to write; addresses that change together are written together.
Source: pkg/registry/core/service/ipallocator/controller/repairip.go, portallocator/controller/repair.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from wherry.api.types import Object
from wherry.apiserver.bootstrap.ensure import ensure
from wherry.apiserver.objects import decoded, encoder, new_uid, stamp
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.services.ip_objects import family_of, ip_object, is_ours, is_right, parent_of
from wherry.apiserver.watching.frames import DELETED, Change
from wherry.base.times import rfc3339_micro
from wherry.store.port import Entry, KeyMissing, RevisionMismatch, StoreError

if TYPE_CHECKING:
    from wherry.apiserver.services.allocator import ServiceAllocator

PREFIX = storage_prefix("networking.k8s.io", "ipaddresses")
_SERVICES = storage_prefix("", "services")
_RETRY_SECONDS = 1.0
_COMPONENT = "ipallocator-repair-controller"
Owner = tuple[str, str]


class AddressKeeper:
    """`start` once, after the allocator has; `close` at the end."""

    def __init__(self, parts: Parts, allocator: ServiceAllocator) -> None:
        self._parts = parts
        self._allocator = allocator
        self._waiting: dict[str, bool] = {}
        """Addresses to look at, and whether it is a surprise that there may be something to do."""
        self._busy: set[str] = set()
        self._settled = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        hub, store = self._parts.hubs.of(PREFIX), self._parts.store
        hub.attach(self)
        for entry in store.range(PREFIX).entries:
            self._allocator.note_object(decoded(entry), gone=False)
            self._look([decoded(entry)["metadata"]["name"]], surprise=True)
        self._look(self._allocator.addresses_in_use(), surprise=True)
        self._tell_what_cannot_be_mended()

    def close(self) -> None:
        if self._worker is not None:
            self._worker.cancel()

    def deliver(self, changes: Sequence[Change]) -> None:
        for change in changes:
            obj, gone = decoded(change.entry), change.type == DELETED
            self._allocator.note_object(obj, gone=gone)
            self._look([obj["metadata"]["name"]], surprise=True)

    def changed(self, addresses: Iterable[str]) -> None:
        """A service has got or lost these."""
        self._look(addresses, surprise=False)

    async def wait_settled(self, addresses: Collection[str]) -> None:
        """Return when the objects of these addresses are as they must be, or cannot be written now."""
        while any(address in self._waiting or address in self._busy for address in addresses):
            self._settled.clear()
            await self._settled.wait()

    def _look(self, addresses: Iterable[str], *, surprise: bool) -> None:
        for address in addresses:
            if address not in self._busy and not self._is_right(address):
                self._waiting[address] = self._waiting.get(address, True) and surprise
        if self._waiting and (self._worker is None or self._worker.done()):
            self._worker = asyncio.ensure_future(self._work())

    def _is_right(self, address: str) -> bool:
        entry, owner = self._parts.store.get(PREFIX + address), self._allocator.owner_of(address)
        if entry is None:
            return owner is None
        obj = decoded(entry)
        return is_right(obj, *owner) if owner else not is_ours(obj)

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            self._busy = set(batch)
            try:
                results = await asyncio.gather(
                    *(self._settle(address, surprise=surprise) for address, surprise in batch.items()),
                    return_exceptions=True,
                )
            finally:
                self._busy = set()
                self._settled.set()
            failed = [address for address, result in zip(batch, results, strict=True) if isinstance(result, Exception)]
            # Whatever changed meanwhile is looked at again.
            self._waiting |= {address: False for address in batch if not self._is_right(address)}
            if failed:
                await self._parts.clock.sleep(_RETRY_SECONDS)

    async def _settle(self, address: str, *, surprise: bool) -> None:
        store, owner = self._parts.store, self._allocator.owner_of(address)
        entry = store.get(PREFIX + address)
        try:
            if entry is not None and (owner is None or not is_right(decoded(entry), *owner)):
                await self._remove(address, entry, owner, surprise=surprise)
                entry = None
            if entry is None and owner is not None:
                if surprise and store.get(PREFIX + address) is None:
                    message = f"Cluster IP [{family_of(address)}]: {address} is not allocated; repairing"
                    await self._warn_service(owner, "ClusterIPNotAllocated", "ClusterIPAllocation", message)
                await ensure(self._parts, [ip_object(address, *owner)])
        except (RevisionMismatch, KeyMissing):
            return  # somebody was faster; that change comes by, too
        except StoreError:
            self._parts.log.exception("cannot write an IPAddress", address=address)
            raise

    async def _remove(self, address: str, entry: Entry, owner: Owner | None, *, surprise: bool) -> None:
        obj = decoded(entry)
        await self._parts.store.delete(entry.key, expected=entry.mod_revision)
        if not surprise:
            return
        if owner is not None:
            where = f"{owner[0]}/{owner[1]}"
            message = (
                f"the ClusterIP [{family_of(address)}]: {address} for Service {where} has a wrong reference; repairing"
            )
            await self._warn_service(owner, "ClusterIPNotAllocated", "ClusterIPAllocation", message)
            return
        namespace, name = parent_of(obj) or ("", "")
        message = f"IPAddress: {address} for Service {namespace}/{name} appears to have leaked: cleaning up"
        await self._warn(obj, "IPAddressNotAllocated", "IPAddressAllocation", message)

    # What is told.

    def _tell_what_cannot_be_mended(self) -> None:
        troubles = self._allocator.troubles()
        if troubles:
            # Kept in the loop by the worker's reference.
            self._worker = asyncio.ensure_future(self._tell(troubles, self._worker))

    async def _tell(self, troubles: Sequence[tuple[Owner, str, str, str]], before: asyncio.Task[None] | None) -> None:
        for owner, reason, action, message in troubles:
            await self._warn_service(owner, reason, action, message)
        if before is not None:
            await before
        await self._work()

    async def _warn_service(self, owner: Owner, reason: str, action: str, message: str) -> None:
        entry = self._parts.store.get(f"{_SERVICES}{owner[0]}/{owner[1]}")
        if entry is not None:
            await self._warn(decoded(entry), reason, action, message)

    async def _warn(self, about: Object, reason: str, action: str, message: str) -> None:
        now, metadata = self._parts.clock.now(), about["metadata"]
        namespace = metadata.get("namespace") or "default"
        name = f"{metadata['name']}.{new_uid().replace('-', '')[:16]}"
        event: Object = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace, "uid": new_uid(), "creationTimestamp": stamp(now)},
            "involvedObject": {
                "kind": about["kind"],
                "namespace": metadata.get("namespace", ""),
                "name": metadata["name"],
                "uid": metadata.get("uid", ""),
                "apiVersion": about["apiVersion"],
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
            "reason": reason,
            "action": action,
            "message": message,
            "type": "Warning",
            "eventTime": rfc3339_micro(now),
            "reportingComponent": _COMPONENT,
            "reportingInstance": _COMPONENT,
            "source": {"component": _COMPONENT},
            "firstTimestamp": stamp(now),
            "lastTimestamp": stamp(now),
            "count": 1,
        }
        key = f"{storage_prefix('', 'events')}{namespace}/{name}"
        await self._parts.store.put(key, encoder(event), expected=0, memo=event)
