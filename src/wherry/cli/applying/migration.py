"""The move from client-side to server-side apply: its manager's fields become the server-side manager's.

Who applied client-side is known as an `Update` entry that owns the annotation. Its fields are handed over, so that what a
later file omits is taken away. The annotation stays, owned by a manager of its own, so that going back is possible.
Source: client-go's util/csaupgrade; kubectl's pkg/cmd/apply, which sends the same requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wherry.api.errors import Conflict
from wherry.api.types import Object
from wherry.cli.applying.annotation import LAST_APPLIED
from wherry.cli.objects.wanted import Wanted
from wherry.client.client import Client
from wherry.machinery.fieldsets import sets

SERVER_SIDE = "kubectl"
LAST_APPLIED_MANAGER = "kubectl-last-applied"
_TRIES = 5

Entry = dict[str, Any]


def owners(entries: Sequence[Entry], operation: str) -> list[str]:
    """Who owns the annotation by `Update` or `Apply`."""
    return [each["manager"] for each in entries if each.get("operation") == operation and _owns(each)]


def _owns(entry: Entry) -> bool:
    tree: Any = entry.get("fieldsV1") or {}
    for element in ("f:metadata", "f:annotations", f"f:{LAST_APPLIED}"):
        tree = tree.get(element)
        if tree is None:
            return False
    return True


def upgraded(entries: Sequence[Entry], old: str, new: str) -> list[Entry]:
    """The entries with what `old` updated as applied by `new`; those of subresources stay."""
    target = _first(entries, new, "Apply")
    if target is None:
        target = _first(entries, old, "Update")
    if target is None:
        return list(entries)
    donor = _first(entries, old, "Update", version=entries[target]["apiVersion"])
    made = {**entries[target], "manager": new, "operation": "Apply"}
    if donor is not None and donor != target:
        made["fieldsV1"] = sets.union(made.get("fieldsV1") or {}, entries[donor].get("fieldsV1") or {})
    kept = [made if at == target else each for at, each in enumerate(entries)]
    return [each for each in kept if not _is(each, old, "Update")]


def _first(entries: Sequence[Entry], manager: str, operation: str, *, version: str = "") -> int | None:
    for at, each in enumerate(entries):
        if _is(each, manager, operation) and (not version or each["apiVersion"] == version):
            return at
    return None


def _is(entry: Entry, manager: str, operation: str) -> bool:
    return entry["manager"] == manager and entry["operation"] == operation and not entry.get("subresource")


async def keep_annotation(client: Client, wanted: Wanted, applied: Object, manager: str, *, dry_run: bool) -> Object:
    """Give the annotation an owner, so that the next apply does not take it away. Raises `StatusError`."""
    metadata = applied["metadata"]
    text = (metadata.get("annotations") or {}).get(LAST_APPLIED)
    if manager != SERVER_SIDE or text is None or owners(metadata.get("managedFields") or (), "Apply"):
        return applied
    only = {key: metadata[key] for key in ("name", "namespace") if key in metadata}
    body = {
        "apiVersion": applied["apiVersion"],
        "kind": applied["kind"],
        "metadata": {**only, "annotations": {LAST_APPLIED: text}},
    }
    return await client.patch(
        wanted.resource,
        wanted.name,
        body,
        namespace=wanted.namespace,
        type="apply",
        dry_run=dry_run,
        field_manager=LAST_APPLIED_MANAGER,
    )


async def migrate(client: Client, wanted: Wanted, applied: Object, manager: str, *, dry_run: bool) -> bool:
    """Hand over; False where there was nothing to. Raises `StatusError`, the last `Conflict` where others keep writing."""
    clients = owners(applied["metadata"].get("managedFields") or (), "Update")
    for attempt in range(_TRIES):
        entries = applied["metadata"].get("managedFields") or []
        after = entries
        for name in dict.fromkeys(clients):
            after = upgraded(after, name, manager)
        if after == entries:
            return False
        try:
            await _replace_entries(client, wanted, applied, after, manager, dry_run=dry_run)
            return True
        except Conflict:
            if attempt == _TRIES - 1:
                raise
            applied = await client.get(wanted.resource, wanted.name, namespace=wanted.namespace)
    return False


async def _replace_entries(
    client: Client, wanted: Wanted, seen: Object, entries: list[Entry], manager: str, *, dry_run: bool
) -> None:
    """Only if nobody wrote the object since it was seen."""
    version = seen["metadata"]["resourceVersion"]
    operations = [
        {"op": "replace", "path": "/metadata/managedFields", "value": entries},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]
    await client.patch(
        wanted.resource,
        wanted.name,
        operations,
        namespace=wanted.namespace,
        type="json",
        dry_run=dry_run,
        field_manager=manager,
    )
