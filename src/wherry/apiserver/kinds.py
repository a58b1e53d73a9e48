"""What `wherry.api` knows of a kind, as the writing verbs need it: decode, default, prepare, validate."""

from __future__ import annotations

from wherry.api import defaults
from wherry.api.resources import Resource
from wherry.api.schema.decode import decode, decoder
from wherry.api.strategy import Strategy, for_resource
from wherry.api.types import Object
from wherry.apiserver.call import Call
from wherry.apiserver.registry import Served


def strategy_of(served: Served) -> Strategy:
    return for_resource(served.resource)


def decode_object(
    call: Call, obj: Object, *, api_version: str, kind: str, raw: bytes | None, field_validation: str
) -> None:
    """Check types, drop unknown fields, warn or refuse as the client wants it. Raises `BadRequest`."""
    check = decoder(api_version, kind)
    if check is None:
        return
    for problem in decode(check, obj, raw=raw, field_validation=field_validation, kind=kind, into=kind):
        call.warn(problem)


def set_defaults(resource: Resource, obj: Object) -> None:
    defaults.apply(resource, obj)


def validate_create(call: Call, served: Served, rules: Resource, obj: Object) -> None:
    """Raises `Invalid` with every field that is wrong."""


def validate_update(call: Call, served: Served, rules: Resource, new: Object, old: Object) -> None:
    """Raises `Invalid` with every field that is wrong or must not change."""


def validate_status_update(served: Served, rules: Resource, new: Object, old: Object) -> None:
    """Raises `Invalid` with every field of the status that is wrong."""
