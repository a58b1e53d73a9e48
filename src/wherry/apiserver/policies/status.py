"""The status of validating policies: what type checking has to say, noted once for each generation.

Upstream's controller manager does this; here the types are at hand where the policies are kept.
Source: pkg/controller/validatingadmissionpolicystatus.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from wherry.api.types import Object
from wherry.apiserver.objects import decoded, encoder
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.watching.frames import DELETED, Change
from wherry.policy.admission.matching import CONFIGURATION_GROUP
from wherry.store.port import Entry, KeyMissing, RevisionMismatch, StoreError

_POLICIES = storage_prefix(CONFIGURATION_GROUP, "validatingadmissionpolicies")


class PolicyStatus:
    """Follows the policies; works in a task only while there is something to check."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._waiting: dict[str, None] = {}
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._parts.hubs.of(_POLICIES).attach(self)
        for entry in self._parts.store.range(_POLICIES).entries:
            self._look_at(entry)

    async def aclose(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    def deliver(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.type != DELETED:
                self._look_at(change.entry)

    def _look_at(self, entry: Entry) -> None:
        policy = decoded(entry)
        if (policy.get("status") or {}).get("observedGeneration") == policy["metadata"].get("generation"):
            return
        self._waiting[entry.key] = None
        if self._worker is None or self._worker.done():
            self._worker = asyncio.ensure_future(self._check_all())

    async def _check_all(self) -> None:
        while self._waiting:
            key = next(iter(self._waiting))
            del self._waiting[key]
            entry = self._parts.store.get(key)
            if entry is None:
                continue
            checked = _checked(self._parts, decoded(entry))
            try:
                await self._parts.store.put(key, encoder(checked), expected=entry.mod_revision, memo=checked)
            except (RevisionMismatch, KeyMissing):
                # Somebody was faster; that change comes by, too.
                continue
            except StoreError:
                self._parts.log.exception("cannot write the status of a policy", policy=key)


def _checked(parts: Parts, policy: Object) -> Object:
    # Types of expressions are loaded with the first policy.
    from wherry.api.admission_type_checking import warnings
    from wherry.apiserver.policies.kind_types import kind_of, type_of_params

    found = warnings(
        policy, lambda *resource: kind_of(parts.registry, *resource), type_of_params(parts.registry, policy)
    )
    status = {
        **(policy.get("status") or {}),
        "observedGeneration": policy["metadata"].get("generation", 1),
        "typeChecking": {"expressionWarnings": found} if found else {},
    }
    return {**policy, "metadata": dict(policy["metadata"]), "status": status}
