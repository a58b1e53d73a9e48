"""Server-side apply of a configuration to a stored object, or to none.

Source: KEP-555, k8s.io/apimachinery/pkg/util/managedfields/internal (skipnonapplied.go, managedfieldsupdater.go).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from wherry.api.errors import StatusError
from wherry.api.types import Object
from wherry.apiserver.ownership.conflicts import conflict_error
from wherry.apiserver.ownership.last_applied import MANAGER, applied_before, note
from wherry.apiserver.ownership.scope import Scope
from wherry.apiserver.ownership.tracking import FIELD
from wherry.machinery.fieldsets import sets
from wherry.machinery.fieldsets.applying import Applied, Conflicts, apply
from wherry.machinery.fieldsets.managers import UPDATE, Convert, Entry, Managed, capped, decode, encode
from wherry.machinery.fieldsets.sets import Tree
from wherry.machinery.fieldsets.shape import ItemError

BEFORE_FIRST_APPLY = "before-first-apply"
HIDDEN: Tree = sets.of_paths(
    [
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation",
                "managedFields", "resourceVersion",
            )
        ),
    ]
)  # fmt: skip
"""What no manager is told to own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applier:
    """One apply request: whose, how, and what is needed to carry it out, again where it has to be."""

    scope: Scope
    config: Object
    actor: Entry
    convert: Convert
    force: bool

    def to_nothing(self, kind: str) -> tuple[Object, list[Object]]:
        """The object to make, and its managed fields."""
        return self._to({"apiVersion": self.scope.api_version, "kind": kind}, {})

    def to(self, live: Object, entries: list[Object] | None) -> tuple[Object, list[Object]]:
        """The object to store in place of `live` (in the applied version), and its managed fields. Raises `Conflict`."""
        return self._to(live, decode(entries, trusted=True) if entries else self._before(live))

    def _before(self, live: Object) -> Managed:
        """Nobody was noted so far: all that is there was there before."""
        fields = self.scope.filled(live)
        if not fields:
            return {}
        entry = replace(self.actor, manager=BEFORE_FIRST_APPLY, operation=UPDATE, fields=fields)
        return {entry.identity: entry}

    def _to(self, live: Object, managed: Managed) -> tuple[Object, list[Object]]:
        try:
            applied = self._merged(live, managed)
        except ItemError as error:
            raise StatusError(f"failed to create typed live object: {error}") from error
        new: Object = dict(applied.obj)
        new["metadata"] = dict(new.get("metadata") or {})
        new["metadata"].pop(FIELD, None)
        if self.actor.manager == MANAGER:
            note(new, self.config)
        return new, encode(self._settled(applied))

    def _settled(self, applied: Applied) -> Managed:
        """Without what nobody owns."""
        left, identity = dict(applied.managed), self.actor.identity
        if (mine := left.pop(identity, None)) is not None and (fields := sets.difference(mine.fields, HIDDEN)):
            left[identity] = mine.owning(fields)
        return capped(left)

    def _merged(self, live: Object, managed: Managed) -> Applied:
        try:
            return self._apply(live, managed, force=self.force)
        except Conflicts as conflicts:
            if self.actor.manager != MANAGER:
                raise conflict_error(conflicts.fields) from conflicts
            left = _left_over(conflicts, applied_before(self.scope.shape, live))
            if left:
                raise conflict_error(left) from conflicts
            return self._apply(live, managed, force=True)

    def _apply(self, live: Object, managed: Managed, *, force: bool) -> Applied:
        return apply(
            self.scope.shape,
            live,
            self.config,
            managed,
            self.actor,
            convert=self.convert,
            keep=self.scope.keep,
            force=force,
        )


def _left_over(conflicts: Conflicts, allowed: Tree | None) -> dict[Any, Tree]:
    """The conflicts that are not about what kubectl itself applied on the client's side."""
    if allowed is None:
        return conflicts.fields
    found = {identity: sets.difference(fields, allowed) for identity, fields in conflicts.fields.items()}
    return {identity: fields for identity, fields in found.items() if fields}
