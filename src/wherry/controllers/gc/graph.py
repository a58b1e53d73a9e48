"""Who owns whom, over all resources. Pure: events go in, uids to look at come out.

An owner that dependents name but nobody has seen stands in the graph as a *virtual* node until it is seen, or looked up
and found missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from wherry.api.types import Object

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"


class Identity(NamedTuple):
    """Where an object is found. `namespace` is empty for cluster-scoped ones."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]


class Owner(NamedTuple):
    """One owner reference."""

    api_version: str
    kind: str
    name: str
    uid: str
    blocks: bool

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]


@dataclass(slots=True, eq=False)
class Node:
    """One object as the graph knows it."""

    identity: Identity
    owners: tuple[Owner, ...] = ()
    dependents: set[str] = field(default_factory=set)
    deleting: bool = False
    deleting_dependents: bool = False
    virtual: bool = False

    def is_owner(self, reference: Owner, namespace: str) -> bool:
        """Whether a dependent's reference really means this object, and not only its uid."""
        me = self.identity
        return (me.group, me.kind, me.name) == (reference.group, reference.kind, reference.name) and me.namespace in (
            "",
            namespace,
        )


def owners_of(metadata: Object) -> tuple[Owner, ...]:
    return tuple(
        Owner(r["apiVersion"], r["kind"], r["name"], r["uid"], bool(r.get("blockOwnerDeletion")))
        for r in metadata.get("ownerReferences") or ()
    )


def identity_of(obj: Object) -> Identity:
    metadata = obj["metadata"]
    return Identity(obj["apiVersion"], obj["kind"], metadata.get("namespace", ""), metadata["name"], metadata["uid"])


@dataclass(slots=True)
class Work:
    """What a change asks for: objects that may have to be deleted, owners whose dependents are to be orphaned."""

    delete: list[str] = field(default_factory=list)
    orphan: list[str] = field(default_factory=list)


class Graph:
    """The nodes by uid."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}

    def put(self, obj: Object) -> Work:
        """An object was added or changed."""
        work, metadata = Work(), obj["metadata"]
        if not metadata.get("ownerReferences") and not metadata.get("deletionTimestamp"):
            return self._put_plain(obj, work)
        node = self._see(obj)
        owners = owners_of(metadata)
        if owners != node.owners:
            self._change_owners(node, owners, work)
        self._note_deletion(node, metadata, work)
        return work

    def _put_plain(self, obj: Object, work: Work) -> Work:
        """The common case: nobody's dependent, not being deleted."""
        node = self._see(obj)
        if node.owners:
            self._change_owners(node, (), work)
        return work

    def _see(self, obj: Object) -> Node:
        uid = obj["metadata"]["uid"]
        node = self.nodes.get(uid)
        if node is None:
            node = self.nodes[uid] = Node(identity_of(obj))
        elif node.virtual:
            node.virtual = False
            node.identity = identity_of(obj)
        return node

    def _change_owners(self, node: Node, owners: tuple[Owner, ...], work: Work) -> None:
        before = {owner.uid: owner for owner in node.owners}
        after = {owner.uid: owner for owner in owners}
        node.owners = owners
        for uid, owner in before.items():
            unblocked = owner.blocks and not (uid in after and after[uid].blocks)
            if (found := self.nodes.get(uid)) is None:
                continue
            if uid not in after:
                self._drop_dependent(found, node.identity.uid)
            if unblocked and found.deleting_dependents:
                work.delete.append(uid)
        for uid, owner in after.items():
            if uid not in before:
                self._add_dependent(node, owner, work)

    def _add_dependent(self, node: Node, owner: Owner, work: Work) -> None:
        found = self.nodes.get(owner.uid)
        if found is None:
            identity = Identity(owner.api_version, owner.kind, node.identity.namespace, owner.name, owner.uid)
            found = self.nodes[owner.uid] = Node(identity, virtual=True)
            work.delete.append(owner.uid)
        elif (not found.virtual and not found.is_owner(owner, node.identity.namespace)) or found.deleting_dependents:
            work.delete.append(node.identity.uid)
        found.dependents.add(node.identity.uid)

    def _drop_dependent(self, owner: Node, uid: str) -> None:
        owner.dependents.discard(uid)
        if owner.virtual and not owner.dependents:
            self.nodes.pop(owner.identity.uid, None)

    def _note_deletion(self, node: Node, metadata: Object, work: Work) -> None:
        if not metadata.get("deletionTimestamp"):
            return
        finalizers = metadata.get("finalizers") or ()
        node.deleting = True
        if ORPHAN in finalizers:
            work.orphan.append(node.identity.uid)
        if FOREGROUND in finalizers and not node.deleting_dependents:
            node.deleting_dependents = True
            work.delete.extend(node.dependents)
            work.delete.append(node.identity.uid)

    def remove(self, uid: str) -> Work:
        """An object is gone (or was looked up and is not there)."""
        work = Work()
        node = self.nodes.pop(uid, None)
        if node is None:
            return work
        for owner in node.owners:
            if (found := self.nodes.get(owner.uid)) is not None:
                self._drop_dependent(found, uid)
                if found.deleting_dependents:
                    work.delete.append(owner.uid)
        work.delete.extend(node.dependents)
        for dependent in node.dependents:
            # The owner is known to be gone: keep a virtual node, so that a dependent that stays keeps being checked.
            if dependent in self.nodes:
                self.nodes.setdefault(uid, Node(node.identity, virtual=True)).dependents.add(dependent)
        return work

    def blocking(self, node: Node) -> list[Node]:
        """The dependents that hold back the foreground deletion of their owner."""
        uid = node.identity.uid
        found = (self.nodes.get(dependent) for dependent in node.dependents)
        return [d for d in found if d is not None and any(o.uid == uid and o.blocks for o in d.owners)]

    def dependents(self, node: Node) -> list[Node]:
        return [found for uid in node.dependents if (found := self.nodes.get(uid)) is not None]


def without_owners(references: Iterable[Object], uids: Iterable[str]) -> list[Object]:
    """Owner references without those of some uids."""
    gone = set(uids)
    return [reference for reference in references if reference["uid"] not in gone]
