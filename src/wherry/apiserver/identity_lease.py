"""The lease by which this server says that it lives: `apiserver-...` in `kube-system`.

Who reads such leases goes by their duration of an hour, so that a renewal every ten minutes is often enough.
Source: KEP-1965 (kube-apiserver identity), pkg/controlplane/controller/lease and apiserverleasegc.
"""

from __future__ import annotations

import socket
from base64 import b32encode
from hashlib import sha256

from wherry.api.types import Object
from wherry.apiserver.bootstrap.ensure import ensure
from wherry.apiserver.objects import decoded, encoder, fresh, new_uid
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import storage_prefix
from wherry.base.times import parse_rfc3339, rfc3339_micro
from wherry.store.port import Entry, KeyMissing, RevisionMismatch, StoreFull

RENEW_SECONDS = 600.0
DURATION_SECONDS = 3600
LABEL = "apiserver.kubernetes.io/identity"
_PREFIX = f"{storage_prefix('coordination.k8s.io', 'leases')}kube-system/"


def name_of(host: str) -> str:
    """The same at each start on the same machine."""
    text = b32encode(sha256(host.encode()).digest()).decode().lower().rstrip("=")
    return f"apiserver-{text[:26]}"


class IdentityLease:
    """`object` is made at start; `renew` keeps it, and removes those of servers that are gone."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._host = socket.gethostname()
        self._name = name_of(self._host)
        self._holder = f"{self._name}_{new_uid()}"

    def object(self) -> Object:
        now = rfc3339_micro(self._parts.clock.now())
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": self._name,
                "namespace": "kube-system",
                "labels": {LABEL: "kube-apiserver", "kubernetes.io/hostname": self._host},
            },
            "spec": {
                "holderIdentity": self._holder,
                "leaseDurationSeconds": DURATION_SECONDS,
                "acquireTime": now,
                "renewTime": now,
            },
        }

    async def run(self) -> None:
        while True:
            await self.renew()
            await self._parts.clock.sleep(RENEW_SECONDS)

    async def renew(self) -> None:
        """Take the lease, or say that it is still held; a full disk can wait."""
        entry = self._parts.store.get(_PREFIX + self._name)
        try:
            if entry is None:
                await ensure(self._parts, [self.object()])
            else:
                await self._hold(entry)
            await self._remove_expired()
        except (RevisionMismatch, KeyMissing, StoreFull):
            return

    async def _hold(self, entry: Entry) -> None:
        lease, now = fresh(entry), self._parts.clock.now()
        spec = lease["spec"]
        if spec.get("holderIdentity") == self._holder and parse_rfc3339(spec["renewTime"]) + RENEW_SECONDS > now:
            return
        if spec.get("holderIdentity") != self._holder:
            lease["spec"] = self.object()["spec"]
        spec = lease["spec"]
        spec["renewTime"] = rfc3339_micro(now)
        await self._parts.store.put(entry.key, encoder(lease), expected=entry.mod_revision, memo=lease)

    async def _remove_expired(self) -> None:
        now = self._parts.clock.now()
        for entry in self._parts.store.range(_PREFIX + "apiserver-").entries:
            lease = decoded(entry)
            if (lease["metadata"].get("labels") or {}).get(LABEL) != "kube-apiserver":
                continue
            spec = lease.get("spec") or {}
            renewed = spec.get("renewTime")
            if renewed and parse_rfc3339(renewed) + (spec.get("leaseDurationSeconds") or 0) < now:
                await self._parts.store.delete(entry.key, expected=entry.mod_revision)
