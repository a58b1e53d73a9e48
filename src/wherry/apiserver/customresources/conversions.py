"""Several versions of one custom resource: with the strategy None only `apiVersion` differs, else a webhook is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.api.customresources.definitions import may_differ_from_stored
from wherry.api.errors import InternalError
from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.apiserver.conversion import Conversion, Convert
from wherry.apiserver.customresources.webhook_conversion import WebhookConversion

if TYPE_CHECKING:
    from wherry.api.customresources.kind import CustomKind
    from wherry.apiserver.webhooks.calls import Calls


def conversion_of(definition: Object, resource: Resource, custom: CustomKind, calls: Calls) -> Conversion | None:
    """How instances become those of the served version; None where all that is stored is of that version."""
    if not may_differ_from_stored(definition):
        return None
    stored = f"{resource.group}/{resource.stored_at}"
    conversion = definition["spec"].get("conversion") or {}
    if conversion.get("strategy") == "Webhook":
        later = WebhookConversion(
            calls, conversion=conversion, kind=resource.kind, api_version=resource.api_version, stored=stored
        )
        return Conversion(resource, _as_it_is, _as_served(custom), later)

    def to_stored(obj: Object) -> Object:
        return {**obj, "apiVersion": stored}

    # Defaults and validation are those of the served version, so that it also stands for the stored one.
    return Conversion(resource, to_stored, custom.as_served)


def _as_it_is(obj: Object) -> Object:
    return obj


def _as_served(custom: CustomKind) -> Convert:
    """For objects that are at the served version already."""

    def convert(obj: Object) -> Object:
        if obj["apiVersion"] != custom.api_version:
            raise InternalError(
                f"Internal error occurred: {obj['apiVersion']} was not converted to {custom.api_version}"
            )
        return custom.as_served(obj)

    return convert
