"""Revisions of a pod template, kept as ControllerRevisions: for daemon sets and stateful sets.

`kubectl rollout history` and `undo` read and apply `data`, a strategic merge patch of the owner.
Source: k8s.io/kubernetes pkg/controller/history and the two controllers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from wherry.api.errors import AlreadyExists, NotFound
from wherry.api.resources import Resource, lookup
from wherry.api.types import Object
from wherry.client.client import Client
from wherry.client.informer import Informer
from wherry.controllers import owners
from wherry.controllers.deployment.template_hash import meaning, template_hash

RESOURCE = lookup("controllerrevisions.apps")
HASH_LABEL = "controller-revision-hash"
STATEFUL_HASH_LABEL = "controller.kubernetes.io/hash"
"""On the revisions of stateful sets; their pods carry the revision's name under the other label."""


class Collision(Exception):
    """Another object has the revision's name: count one up in `status.collisionCount` and try again."""


def data_of(template: Object) -> Object:
    """The patch that brings the owner back to this template."""
    return {"spec": {"template": {**template, "$patch": "replace"}}}


def is_of(revision: Object, template: Object) -> bool:
    """Whether a revision keeps this template."""
    found = ((revision.get("data") or {}).get("spec") or {}).get("template") or {}
    kept = {name: value for name, value in found.items() if name != "$patch"}
    return bool(kept) and meaning(kept) == meaning(template)


def order(revision: Object) -> tuple[int, str, str]:
    metadata = revision["metadata"]
    return revision["revision"], metadata.get("creationTimestamp", ""), metadata["name"]


def hash_of(revision: Object) -> str:
    return (revision["metadata"].get("labels") or {}).get(HASH_LABEL, "")


def surplus(old: Collection[Object], live: Collection[str], limit: int) -> list[Object]:
    """The oldest revisions beyond the limit; never one whose name or hash is in `live`."""
    idle = [r for r in sorted(old, key=order) if r["metadata"]["name"] not in live and hash_of(r) not in live]
    return idle[: max(0, len(idle) - limit)]


class History:
    """The revisions of one kind of owner. `informer` is of controller revisions."""

    def __init__(
        self, client: Client, informer: Informer, owner_resource: Resource, *, hash_label: str = HASH_LABEL
    ) -> None:
        self._client = client
        self._informer = informer
        self._owner_resource = owner_resource
        self._hash_label = hash_label
        informer.add_index("controller", owners.controller_index)

    async def sync(self, owner: Object, matches: Callable[[Mapping[str, str]], bool]) -> tuple[Object, list[Object]]:
        """The revision of the owner's template, made or renewed where needed, and all others. Raises `Collision`."""
        claim = owners.Claim(
            client=self._client,
            owner=owner,
            owner_resource=self._owner_resource,
            resource=RESOURCE,
            matches=matches,
        )
        found = sorted(await claim.all(owners.candidates(self._informer, owner)), key=order)
        template = owner["spec"]["template"]
        current = next((r for r in reversed(found) if is_of(r, template)), None)
        old = [r for r in found if r is not current]
        latest = max((r["revision"] for r in old), default=0)
        if current is None:
            return await self._create(owner, latest + 1), old
        if current["revision"] <= latest:
            current = await self._client.update(RESOURCE, {**current, "revision": latest + 1})
        return current, old

    async def _create(self, owner: Object, number: int) -> Object:
        template, metadata = owner["spec"]["template"], owner["metadata"]
        hash_ = template_hash(template, (owner.get("status") or {}).get("collisionCount") or 0)
        labels = (template.get("metadata") or {}).get("labels") or {}
        revision: Object = {
            "metadata": {
                "name": f"{metadata['name']}-{hash_}",
                "namespace": metadata["namespace"],
                "labels": {**labels, self._hash_label: hash_},
                "ownerReferences": [owners.controller_reference(owner, self._owner_resource)],
            },
            "data": data_of(template),
            "revision": number,
        }
        if metadata.get("annotations"):
            revision["metadata"]["annotations"] = metadata["annotations"]
        try:
            return await self._client.create(RESOURCE, revision)
        except AlreadyExists as error:
            name = revision["metadata"]["name"]
            found = await self._client.get(RESOURCE, name, namespace=metadata["namespace"])
            if owners.is_controlled_by(found, owner) and is_of(found, template):
                return found
            raise Collision(str(error)) from error

    async def clean(self, old: Collection[Object], live: Collection[str], limit: int) -> None:
        for revision in surplus(old, live, limit):
            metadata = revision["metadata"]
            try:
                await self._client.delete(RESOURCE, metadata["name"], namespace=metadata["namespace"])
            except NotFound:
                continue
