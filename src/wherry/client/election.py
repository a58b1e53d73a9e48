"""Leader election by a Lease: of several candidates one leads, and another takes over when it is gone.

What always holds: a leader that cannot renew its lease stops leading before another may start, as long as clocks run
at about the same speed (each candidate times the lease from when *it* saw it change; wall clocks may differ).
Source: client-go tools/leaderelection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from wherry.api.errors import AlreadyExists, Conflict, NotFound, StatusError
from wherry.api.types import Object
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait
from wherry.base.times import rfc3339_micro
from wherry.client.client import Client

_TRANSIENT = (StatusError, ConnectionError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds; the defaults are upstream's."""

    lease: float = 15.0
    renew_deadline: float = 10.0
    retry: float = 2.0


class LeaderElector:
    """A component: runs `lead` while it holds the lease, and stands again when it lost it."""

    def __init__(
        self,
        client: Client,
        *,
        name: str,
        identity: str,
        lead: Callable[[], Coroutine[Any, Any, None]],
        clock: Clock,
        namespace: str = "kube-system",
        times: Times = Times(),
        log: Logger | None = None,
    ) -> None:
        self._client = client
        self._name = name
        self._identity = identity
        self._lead = lead
        self._clock = clock
        self._namespace = namespace
        self._times = times
        self._log = log or Logger("client")
        self._seen: tuple[str, str] = ("", "")
        self._seen_at = 0.0
        self.leading = False

    async def run(self) -> None:
        while True:
            while not await self._try():
                await self._clock.sleep(self._times.retry)
            self._log.info("became leader", lease=self._name, identity=self._identity)
            self.leading = True
            try:
                await self._hold()
            finally:
                self.leading = False
            self._log.warning("lost the lease", lease=self._name, identity=self._identity)

    async def _hold(self) -> None:
        work = asyncio.ensure_future(self._lead())
        renew = asyncio.ensure_future(self._renew())
        try:
            await asyncio.wait((work, renew), return_when=asyncio.FIRST_COMPLETED)
            if work.done() and not renew.done():
                work.result()
        finally:
            await cancel_and_wait(work, renew)
            if not (renew.done() and not renew.cancelled()):
                await asyncio.shield(self._release())

    async def _renew(self) -> None:
        """Renew until it fails for longer than the deadline."""
        renewed = self._clock.monotonic()
        while self._clock.monotonic() - renewed < self._times.renew_deadline:
            await self._clock.sleep(self._times.retry)
            if await self._try():
                renewed = self._clock.monotonic()

    async def _try(self) -> bool:
        """Take or renew the lease; False where somebody else holds it or the server is out of reach."""
        try:
            return await self._acquire()
        except (Conflict, AlreadyExists):
            return False
        except _TRANSIENT as error:
            self._log.warning("cannot reach the lease", lease=self._name, error=str(error))
            return False

    async def _acquire(self) -> bool:
        try:
            lease = await self._client.get("leases", self._name, namespace=self._namespace)
        except NotFound:
            metadata = {"name": self._name, "namespace": self._namespace}
            await self._client.create("leases", {"metadata": metadata, "spec": self._claim({})})
            return True
        spec = lease.get("spec") or {}
        record = (spec.get("holderIdentity") or "", spec.get("renewTime") or "")
        if record != self._seen:
            self._seen, self._seen_at = record, self._clock.monotonic()
        duration = spec.get("leaseDurationSeconds") or self._times.lease
        if record[0] not in ("", self._identity) and self._clock.monotonic() - self._seen_at < duration:
            return False
        await self._client.update("leases", {**lease, "spec": self._claim(spec)})
        return True

    def _claim(self, before: Object) -> Object:
        now = rfc3339_micro(self._clock.now())
        mine = before.get("holderIdentity") == self._identity
        return {
            **before,
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(self._times.lease),
            "acquireTime": before.get("acquireTime") or now if mine else now,
            "renewTime": now,
            "leaseTransitions": before.get("leaseTransitions", 0) + (1 if before and not mine else 0),
        }

    async def _release(self) -> None:
        """Let the next candidate in at once."""
        try:
            lease = await self._client.get("leases", self._name, namespace=self._namespace)
            if lease["spec"].get("holderIdentity") == self._identity:
                spec = {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
                await self._client.update("leases", {**lease, "spec": spec})
        except _TRANSIENT:
            return
