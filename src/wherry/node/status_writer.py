"""Bringing pod statuses to the API: only what changed, one write per pod at a time, the newest wins.

What always holds: a pod's writes follow one another, so a late one cannot overwrite a newer one; statuses that were
replaced before they were sent are never sent; a pod of another uid is never written to.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from wherry.api.errors import Conflict, NotFound, StatusError
from wherry.api.types import Object
from wherry.base.backoff import Backoff
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import cancel_and_wait
from wherry.client.client import Client
from wherry.node.pod import spec

_KEYED_LISTS = ("podIPs",)
"""Lists that a strategic merge patch would merge by key: replaced as a whole instead."""
CONCURRENT_WRITES = 8


def status_patch(known: Object, wanted: Object, uid: str) -> Object | None:
    """The smallest strategic merge patch from the API's status to ours; None when there is nothing to say.

    Fields and conditions that are not in `wanted` belong to others and stay.
    """
    changes: Object = {}
    for name, value in wanted.items():
        if name == "conditions":
            by_type = {entry["type"]: entry for entry in known.get("conditions") or ()}
            changed = [
                {**dict.fromkeys(by_type.get(entry["type"]) or ()), **entry}  # null takes an old reason away
                for entry in value
                if by_type.get(entry["type"]) != entry
            ]
            if changed:
                changes["conditions"] = changed
        elif known.get(name) != value:
            keyed = name in _KEYED_LISTS and known.get(name)
            changes[name] = [*value, {"$patch": "replace"}] if keyed else value
    return {"metadata": {"uid": uid}, "status": changes} if changes else None


@dataclass(slots=True)
class _Slot:
    """One pod: what should be there, and what is."""

    pod: Object
    wanted: Object
    known: Object
    sent: Object = field(default_factory=dict)
    """What we wrote, as we spelled it: the API may spell it differently, and that is no change."""
    task: asyncio.Task[None] | None = None
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class StatusWriter:
    """`put` returns at once; a task per pod writes while there is something to write."""

    def __init__(self, client: Client, clock: Clock, log: Logger) -> None:
        self._client = client
        self._clock = clock
        self._log = log
        self._slots: dict[str, _Slot] = {}
        self._limit = asyncio.Semaphore(CONCURRENT_WRITES)
        self._backoff = Backoff(initial=0.2, cap=10.0)

    def put(self, pod: Object, status: Object) -> None:
        """From now on this is the status that the pod should have."""
        uid = spec.uid(pod)
        slot = self._slots.get(uid)
        if slot is None:
            slot = self._slots[uid] = _Slot(pod, status, pod.get("status") or {})
        slot.pod, slot.wanted = pod, status
        if slot.task is None and status_patch(slot.known, status, uid) is not None:
            slot.idle.clear()
            slot.task = asyncio.ensure_future(self._write(uid, slot))
        elif slot.task is None:
            slot.idle.set()

    async def flush(self, uid: str) -> None:
        """Return when the pod's newest status is written, or can no longer be."""
        if (slot := self._slots.get(uid)) is not None:
            await slot.idle.wait()

    def forget(self, uid: str) -> None:
        slot = self._slots.pop(uid, None)
        if slot is not None and slot.task is not None:
            slot.task.cancel()
            slot.idle.set()

    async def close(self) -> None:
        tasks = [slot.task for slot in self._slots.values() if slot.task is not None]
        self._slots.clear()
        await cancel_and_wait(*tasks)

    async def _write(self, uid: str, slot: _Slot) -> None:
        failures = 0
        try:
            while (patch := status_patch(slot.known, slot.wanted, uid)) is not None:
                try:
                    async with self._limit:
                        answer = await self._client.patch(
                            "pods",
                            spec.name(slot.pod),
                            patch,
                            namespace=spec.namespace(slot.pod),
                            type="strategic",
                            subresource="status",
                        )
                    slot.sent.update(_own_spelling(patch))
                    slot.known = _known(answer.get("status") or {}, slot.sent)
                    failures = 0
                except (NotFound, Conflict):
                    return  # The pod is gone, or another one has its name.
                except (StatusError, ConnectionError, OSError) as error:
                    failures += 1
                    self._log.warning("could not write a pod's status", pod=spec.full_name(slot.pod), error=str(error))
                    await self._clock.sleep(self._backoff.delay(failures))
        finally:
            slot.task = None
            slot.idle.set()


def _own_spelling(patch: Object) -> Object:
    """The fields of a patch as values: without its directives, conditions by their type."""
    own = {name: value for name, value in patch["status"].items() if name != "conditions"}
    for name in _KEYED_LISTS:
        if name in own:
            own[name] = [entry for entry in own[name] if "$patch" not in entry]
    for entry in patch["status"].get("conditions") or ():
        own[f"condition {entry['type']}"] = {key: value for key, value in entry.items() if value is not None}
    return own


def _known(answer: Object, sent: Object) -> Object:
    """The API's status, with our own spelling of what we wrote."""
    by_type = {entry["type"]: entry for entry in answer.get("conditions") or ()}
    by_type.update({entry["type"]: entry for name, entry in sent.items() if name.startswith("condition ")})
    plain = {name: value for name, value in sent.items() if not name.startswith("condition ")}
    return {**answer, **plain, "conditions": list(by_type.values())}
