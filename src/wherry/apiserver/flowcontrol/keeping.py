"""Keeping the objects as they must be: mandatory ones as they are, suggested ones where nobody took them over, and the
condition of schemas whose level is missing. A task lives only while there is something to write.

Source: k8s.io/apiserver/pkg/registry/flowcontrol (ensurer), util/flowcontrol/apf_controller.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from wherry.api.types import Object
from wherry.apiserver.bootstrap.ensure import ensure
from wherry.apiserver.flowcontrol import defaults
from wherry.apiserver.objects import decoded, encoder, stamp
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import storage_prefix
from wherry.store.port import KeyMissing, RevisionMismatch, StoreError

_RETRY_SECONDS = 1.0
_PREFIXES = {
    "FlowSchema": storage_prefix("flowcontrol.apiserver.k8s.io", "flowschemas"),
    "PriorityLevelConfiguration": storage_prefix("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"),
}
Mend = Callable[[Object], Object | None]
"""The object as it must be; None where it is."""


def suggested(now: str) -> list[Object]:
    """All objects that a cluster starts with, as they are when all is well."""
    levels = list(defaults.levels())
    names = {each["metadata"]["name"] for each in levels}
    return [*levels, *(with_dangling(each, names, now) or each for each in defaults.schemas())]


def with_dangling(schema: Object, levels: Iterable[str], now: str) -> Object | None:
    """A copy that says whether its level is there; None where it says so already."""
    name = (schema["spec"].get("priorityLevelConfiguration") or {}).get("name", "")
    there = name in levels
    begin = f'This FlowSchema references the PriorityLevelConfiguration object named "{name}"'
    condition: Object = {
        "type": "Dangling",
        "status": "False" if there else "True",
        "lastTransitionTime": now,
        "reason": "Found" if there else "NotFound",
        "message": f"{begin} and it exists" if there else f"{begin} but there is no such object",
    }
    status = schema.get("status") or {}
    conditions = status.get("conditions") or []
    before = next((each for each in conditions if each["type"] == "Dangling"), None)
    if before is not None and all(before.get(key) == condition[key] for key in ("status", "reason", "message")):
        return None
    if before is not None and before["status"] == condition["status"]:
        condition["lastTransitionTime"] = before.get("lastTransitionTime", now)
    others = [each for each in conditions if each["type"] != "Dangling"]
    return {**schema, "metadata": dict(schema["metadata"]), "status": {**status, "conditions": [*others, condition]}}


def restored(obj: Object, wanted: Object) -> Object | None:
    """The object with the spec it must have; None where it has it, or where somebody else looks after it."""
    metadata = obj["metadata"]
    annotations = metadata.get("annotations") or {}
    mandatory = metadata["name"] in defaults.MANDATORY
    automatic = annotations.get(defaults.AUTO_UPDATE)
    if automatic is None and not mandatory:
        automatic = "true" if metadata.get("generation") == 1 else "false"
    kept = mandatory or automatic == "true"
    annotation = "true" if kept else "false"
    spec = wanted["spec"] if kept else obj["spec"]
    if obj["spec"] == spec and annotations.get(defaults.AUTO_UPDATE) == annotation:
        return None
    changed = dict(metadata)
    changed["annotations"] = {**annotations, defaults.AUTO_UPDATE: annotation}
    if obj["spec"] != spec:
        changed["generation"] = metadata.get("generation", 0) + 1
    return {**obj, "metadata": changed, "spec": spec}


class Keeper:
    """Told of all objects at each change; writes what has to be written."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._wanted: dict[tuple[str, str], Object] = {}
        self._mends: dict[tuple[str, str], Mend] = {}
        self._missing: dict[tuple[str, str], None] = {}
        self._worker: asyncio.Task[None] | None = None

    def close(self) -> None:
        if self._worker is not None:
            self._worker.cancel()

    def look(self, schemas: Sequence[Object], levels: Sequence[Object]) -> None:
        """Find out what is not as it must be."""
        if not self._wanted:
            self._wanted = {(each["kind"], each["metadata"]["name"]): each for each in suggested("")}
        now = stamp(self._parts.clock.now())
        names = {each["metadata"]["name"] for each in levels}
        there = {(each["kind"], each["metadata"]["name"]): each for each in (*schemas, *levels)}
        self._missing = dict.fromkeys(self._wanted.keys() - there.keys())
        self._mends = {}
        for key, obj in there.items():
            wanted = self._wanted.get(key)
            if wanted is not None and restored(obj, wanted) is not None:
                self._mends[key] = lambda each, wanted=wanted: restored(each, wanted)  # type: ignore[misc]
            elif key[0] == "FlowSchema" and with_dangling(obj, names, now) is not None:
                self._mends[key] = lambda each: with_dangling(each, names, now)
        if (self._missing or self._mends) and (self._worker is None or self._worker.done()):
            self._worker = asyncio.ensure_future(self._mend())

    async def _mend(self) -> None:
        while self._missing or self._mends:
            try:
                await self._mend_once()
            except (RevisionMismatch, KeyMissing):
                continue  # somebody was faster; that change comes by, too
            except StoreError:
                self._parts.log.exception("cannot write the objects of priority and fairness")
                await self._parts.clock.sleep(_RETRY_SECONDS)

    async def _mend_once(self) -> None:
        if self._missing:
            now, missing = stamp(self._parts.clock.now()), self._missing
            self._missing = {}
            await ensure(self._parts, [each for each in suggested(now) if _key(each) in missing])
            return
        key, mend = self._mends.popitem()
        entry = self._parts.store.get(_PREFIXES[key[0]] + key[1])
        if entry is not None and (mended := mend(decoded(entry))) is not None:
            await self._parts.store.put(entry.key, encoder(mended), expected=entry.mod_revision, memo=mended)


def _key(obj: Object) -> tuple[str, str]:
    return obj["kind"], obj["metadata"]["name"]
