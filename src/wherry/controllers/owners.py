"""Who controls whom: controller references, adoption and release.

What always holds: an object has at most one controller; one that is being deleted adopts nothing; before the first
adoption the owner is read from the server itself, for the informer's copy may be of an earlier object of that name.
Source: k8s.io/kubernetes pkg/controller/controller_ref_manager.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from wherry.api.errors import Invalid, NotFound
from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.client.client import Client
from wherry.client.informer import Informer

_ORPHANS = "orphans/"
"""Prefix of the `controller` index values under which a namespace's uncontrolled objects stand."""


def controller_of(obj: Object) -> Object | None:
    """The owner reference with `controller: true`."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return reference
    return None


def is_controlled_by(obj: Object, owner: Object) -> bool:
    reference = controller_of(obj)
    return reference is not None and reference["uid"] == owner["metadata"]["uid"]


def controller_reference(owner: Object, resource: Resource) -> Object:
    """The reference that makes `owner` the controller of an object."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_index(obj: Object) -> Iterable[str]:
    """Index function: the controller's uid; or the orphans of the namespace, all and by each of their labels."""
    reference = controller_of(obj)
    if reference is not None:
        return (reference["uid"],)
    metadata = obj["metadata"]
    namespace = _ORPHANS + metadata.get("namespace", "")
    return (namespace, *(f"{namespace}/{name}={value}" for name, value in (metadata.get("labels") or {}).items()))


def candidates(informer: Informer, owner: Object, wanted: Mapping[str, str] | None = None) -> list[Object]:
    """Who is the owner's, or could be: what it controls, and orphans beside it.

    Of the orphans those with one of the `wanted` labels, as any that fit must have: a namespace may be full of others.
    The informer has the index `controller`.
    """
    metadata = owner["metadata"]
    orphans = _ORPHANS + metadata["namespace"]
    if wanted:
        name, value = next(iter(wanted.items()))
        orphans += f"/{name}={value}"
    return informer.by_index("controller", metadata["uid"]) + informer.by_index("controller", orphans)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Decides and does the claiming for one owner. `matches` tells whether labels fit its selector.

    `finalizer`: one that comes with adoption and goes with release.
    """

    client: Client
    owner: Object
    owner_resource: Resource
    resource: Resource
    matches: Callable[[Mapping[str, str]], bool]
    adopt: bool = True
    finalizer: str = ""

    async def all(self, candidates: Iterable[Object]) -> list[Object]:
        """Those that belong to the owner, after adopting orphans that match and releasing what matches no more."""
        mine: list[Object] = []
        checked = False
        for obj in candidates:
            fits = self.matches(obj["metadata"].get("labels") or {})
            if is_controlled_by(obj, self.owner):
                if fits:
                    mine.append(obj)
                elif not self._deleting(self.owner):
                    await self._release(obj)
                continue
            if controller_of(obj) is not None or not fits or not self._may_adopt(obj):
                continue
            if not checked:
                await self._check_owner()
                checked = True
            if (adopted := await self._adopt(obj)) is not None:
                mine.append(adopted)
        return mine

    def _may_adopt(self, obj: Object) -> bool:
        return self.adopt and not self._deleting(self.owner) and not self._deleting(obj)

    @staticmethod
    def _deleting(obj: Object) -> bool:
        return bool(obj["metadata"].get("deletionTimestamp"))

    async def _check_owner(self) -> None:
        metadata = self.owner["metadata"]
        fresh = await self.client.get(self.owner_resource, metadata["name"], namespace=metadata.get("namespace"))
        if fresh["metadata"]["uid"] != metadata["uid"] or self._deleting(fresh):
            raise NotFound(f"{self.owner_resource.kind} {metadata['name']} is gone or being deleted: nothing adopted")

    async def _adopt(self, obj: Object) -> Object | None:
        """The object as adopted; None where it is gone by now."""
        references = [controller_reference(self.owner, self.owner_resource)]
        metadata = {"uid": obj["metadata"]["uid"], "ownerReferences": references}
        if self.finalizer:
            metadata["finalizers"] = [self.finalizer]
        return await self._patch(obj, {"metadata": metadata})

    async def _release(self, obj: Object) -> None:
        removal = {"$patch": "delete", "uid": self.owner["metadata"]["uid"]}
        metadata = {"uid": obj["metadata"]["uid"], "ownerReferences": [removal]}
        if self.finalizer:
            metadata["$deleteFromPrimitiveList/finalizers"] = [self.finalizer]
        await self._patch(obj, {"metadata": metadata})

    async def _patch(self, obj: Object, patch: Object) -> Object | None:
        metadata = obj["metadata"]
        try:
            return await self.client.patch(
                self.resource, metadata["name"], patch, namespace=metadata.get("namespace"), type="strategic"
            )
        except NotFound:
            return None
        except Invalid:
            # Somebody else adopted or released it first, or the name now belongs to another object.
            return None
