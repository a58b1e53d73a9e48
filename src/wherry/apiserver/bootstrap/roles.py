"""Keeping the bootstrap roles and bindings up to date: what a new release adds is added to what is stored.

Only for objects whose annotation `rbac.authorization.kubernetes.io/autoupdate` says `true`; what users added stays.
Source: "Auto-reconciliation" in the Kubernetes documentation of RBAC.
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.api.types import Object
from wherry.apiserver.objects import encoder, fresh
from wherry.apiserver.parts import Parts
from wherry.policy.bootstrap_roles import AUTOUPDATE
from wherry.store.port import RevisionMismatch


def completed(stored: Object, wanted: Object) -> bool:
    """Add to `stored` (in place) what it lacks; gives whether something was lacking."""
    if (stored["metadata"].get("annotations") or {}).get(AUTOUPDATE) != "true":
        return False
    changed = False
    for field in ("rules", "subjects"):
        have = stored.get(field) or []
        lacking = [each for each in wanted.get(field) or () if each not in have]
        if lacking:
            stored[field] = [*have, *lacking]
            changed = True
    return changed


async def reconcile(parts: Parts, objects: Iterable[Object]) -> None:
    """Complete those that are stored already."""
    served = {(each.api_version, each.kind): each for each in parts.registry}
    for wanted in objects:
        metadata = wanted["metadata"]
        key = served[wanted["apiVersion"], wanted["kind"]].key(metadata.get("namespace", ""), metadata["name"])
        entry = parts.store.get(key)
        if entry is None:
            continue
        obj = fresh(entry)
        if not completed(obj, wanted):
            continue
        try:
            await parts.store.put(key, encoder(obj), expected=entry.mod_revision, memo=obj)
        except RevisionMismatch:
            # Somebody is writing it right now; the next start looks again.
            continue
