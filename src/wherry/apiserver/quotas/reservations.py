"""Charging writes to the quotas of their namespace before they happen, so that parallel writes never use up too much.

What always holds: usage is written into a quota's status, if nobody else has written there since it was read, before the
object is; a write that is refused or fails gives back what it was charged. The charges that wait in one namespace are
decided one after another and written together, so that a durable store commits once for all of them.
Source: k8s.io/apiserver/pkg/admission/plugin/resourcequota.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.apiserver.admission.by_namespace import ByNamespace
from wherry.apiserver.objects import encoder
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.watching.hub import Hubs
from wherry.policy.quota.amounts import texts
from wherry.policy.quota.charging import Charge, Quota, Refused, charged, compiled, returned
from wherry.store.port import RevisionMismatch, Store

PREFIX = storage_prefix("", "resourcequotas")


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A charge in the queue; `back` takes it off again."""

    charge: Charge
    decided: asyncio.Future[None]
    dry_run: bool = False
    back: bool = False
    done_in: frozenset[str] = frozenset()
    """Quotas that this charge is not to touch."""


class Reservations:
    """The quotas of all namespaces, and the charges under way."""

    def __init__(self, store: Store, hubs: Hubs) -> None:
        self._store = store
        self._quotas = ByNamespace(store, hubs, PREFIX, compiled)
        self._queues: dict[str, list[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._flying: Counter[str] = Counter()

    def quotas(self, namespace: str) -> tuple[Quota, ...]:
        """The namespace's quotas; one look-up where there are none."""
        return self._quotas.of(namespace)

    def in_flight(self, namespace: str) -> bool:
        """Whether something is charged that is not stored yet: nobody can count what is used then."""
        return self._flying[namespace] > 0

    @asynccontextmanager
    async def reserved(self, namespace: str, charge: Charge, *, dry_run: bool) -> AsyncIterator[None]:
        """Charge, then let the caller write; taken back if that fails. Raises `Refused`, `StoreFull`."""
        self._flying[namespace] += 1
        try:
            await self._queue(namespace, charge, dry_run=dry_run)
            try:
                yield
            except Exception:
                if not dry_run:
                    self._queue(namespace, charge, back=True)
                raise
        finally:
            self._land(namespace)

    def _land(self, namespace: str) -> None:
        self._flying[namespace] -= 1
        if not self._flying[namespace]:
            del self._flying[namespace]

    def _queue(
        self, namespace: str, charge: Charge, *, dry_run: bool = False, back: bool = False, done_in: frozenset[str] = frozenset()
    ) -> asyncio.Future[None]:  # fmt: skip
        waiting = _Waiting(charge, asyncio.get_running_loop().create_future(), dry_run, back, done_in)
        if back:
            # Nobody may count until this is done.
            self._flying[namespace] += 1
            waiting.decided.add_done_callback(lambda _: self._land(namespace))
        queue = self._queues.get(namespace)
        if queue is not None:
            queue.append(waiting)
        else:
            self._queues[namespace] = [waiting]
            task = asyncio.ensure_future(self._drain(namespace))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return waiting.decided

    async def _drain(self, namespace: str) -> None:
        """Work until nothing waits. Nobody else decides for this namespace meanwhile."""
        while batch := self._queues[namespace]:
            self._queues[namespace] = []
            try:
                await self._settle(namespace, batch, frozenset(quota.name for quota in self.quotas(namespace)))
            except Exception as error:  # noqa: BLE001  # whoever waits must hear of it: a full disk, say
                for waiting in batch:
                    _decide(waiting, error)
        del self._queues[namespace]

    async def _settle(self, namespace: str, batch: Sequence[_Waiting], names: frozenset[str]) -> None:
        """Decide for these quotas; where one was changed by others meanwhile, decide again for it."""
        before = {quota.name: quota for quota in self.quotas(namespace) if quota.name in names}
        running = dict(before)
        accepted: list[_Waiting] = []
        for waiting in batch:
            try:
                running |= _applied(running, waiting)
            except Refused as refusal:
                self._refuse(namespace, waiting, names, refusal)
            else:
                accepted.append(waiting)
        changed = [quota for quota in running.values() if quota is not before[quota.name]]
        written = await asyncio.gather(*(self._write(namespace, quota) for quota in changed))
        conflicting = frozenset(quota.name for quota, done in zip(changed, written, strict=True) if not done)
        if conflicting:
            await self._settle(namespace, accepted, conflicting)
        for waiting in accepted:
            _decide(waiting, None)

    def _refuse(self, namespace: str, waiting: _Waiting, names: frozenset[str], refusal: Refused) -> None:
        """What other quotas have been charged in an earlier round is given back."""
        _decide(waiting, refusal)
        if names != frozenset(quota.name for quota in self.quotas(namespace)) and not waiting.dry_run:
            self._queue(namespace, waiting.charge, back=True, done_in=names)

    async def _write(self, namespace: str, quota: Quota) -> bool:
        """Whether the quota was still as it was read."""
        metadata = dict(quota.obj["metadata"])
        status = {**(quota.obj.get("status") or {}), "used": texts(quota.used)}
        obj: Object = {**quota.obj, "metadata": metadata, "status": status}
        key = f"{PREFIX}{namespace}/{quota.name}"
        try:
            await self._store.put(key, encoder(obj), expected=quota.revision, memo=obj)
        except RevisionMismatch:
            return False
        return True


def _applied(running: dict[str, Quota], waiting: _Waiting) -> dict[str, Quota]:
    """The quotas that the charge changes, by name. Raises `Refused`."""
    quotas = [quota for quota in running.values() if quota.name not in waiting.done_in]
    changed = (returned if waiting.back else charged)(quotas, waiting.charge)
    return {} if waiting.dry_run else {quota.name: quota for quota in changed}


def _decide(waiting: _Waiting, error: Exception | None) -> None:
    if waiting.decided.done():
        return
    if error is None:
        waiting.decided.set_result(None)
    elif waiting.back:
        # Nobody waits for it; the controller counts again.
        waiting.decided.cancel()
    else:
        waiting.decided.set_exception(error)
