"""Several versions of one custom resource: with the strategy None only `apiVersion` differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.api.customresources.definitions import may_differ_from_stored
from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.apiserver.conversion import Conversion

if TYPE_CHECKING:
    from wherry.api.customresources.kind import CustomKind


def conversion_of(definition: Object, resource: Resource, custom: CustomKind) -> Conversion | None:
    """How instances become those of the served version; None where all that is stored is of that version."""
    if not may_differ_from_stored(definition):
        return None
    stored = f"{resource.group}/{resource.stored_at}"

    def to_stored(obj: Object) -> Object:
        return {**obj, "apiVersion": stored}

    # Defaults and validation are those of the served version, so that it also stands for the stored one.
    return Conversion(resource, to_stored, custom.as_served)
