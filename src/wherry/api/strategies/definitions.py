"""Custom resource definitions: the status begins with the storage version, which is also noted when it changes."""

from __future__ import annotations

from wherry.api.customresources.naming import begin, note_storage_version
from wherry.api.types import Object


def create(obj: Object) -> None:
    begin(obj)


def update(new: Object, old: Object) -> None:
    note_storage_version(new)
