"""What `wherry.api` knows of a kind, as the writing verbs need it: decode, default, prepare, validate."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api import defaults, validation
from wherry.api.errors import invalid
from wherry.api.resources import Resource
from wherry.api.schema.decode import decode, decoder
from wherry.api.strategy import Strategy, for_resource
from wherry.api.types import Object
from wherry.api.validation import FieldError
from wherry.apiserver.call import Call
from wherry.apiserver.registry import Served


def strategy_of(served: Served) -> Strategy:
    return for_resource(served.resource)


def decode_object(
    call: Call,
    obj: Object,
    *,
    api_version: str,
    kind: str,
    raw: bytes | None,
    field_validation: str,
    text_problems: Sequence[str] = (),
) -> None:
    """Check types, drop unknown fields, warn or refuse as the client wants it. Raises `BadRequest`.

    `raw` is the JSON in which duplicates are to be found; `text_problems` are those found already in other texts.
    """
    check = decoder(api_version, kind)
    if check is None:
        _decode_custom(call, obj, kind=kind, raw=raw, field_validation=field_validation, text_problems=text_problems)
        return
    for problem in decode(
        check,
        obj,
        raw=raw,
        field_validation=field_validation,
        kind=kind,
        into=kind,
        text_problems=text_problems,
    ):
        call.warn(problem)


def _decode_custom(
    call: Call, obj: Object, *, kind: str, raw: bytes | None, field_validation: str, text_problems: Sequence[str]
) -> None:
    custom = call.served.resource.custom
    if custom is None or custom.kind != kind:
        return
    for problem in custom.decode(obj, raw=raw, field_validation=field_validation, text_problems=text_problems):
        call.warn(problem)


def set_defaults(resource: Resource, obj: Object) -> None:
    defaults.apply(resource, obj)


def _refuse(rules: Resource, obj: Object, errors: Sequence[FieldError]) -> None:
    if errors:
        name = obj["metadata"].get("name") or ""
        raise invalid(rules.group, rules.kind, name, [error.to_cause() for error in errors])


def validate_create(rules: Resource, obj: Object, *, loopback: bool = False) -> None:
    """Raises `Invalid` with every field that is wrong. `loopback`: endpoints may be in the loopback range."""
    _refuse(rules, obj, validation.on_create(rules, obj, loopback=loopback))


def validate_update(
    rules: Resource, new: Object, old: Object, *, subresource: str = "", loopback: bool = False
) -> Sequence[str]:
    """What is only worth a warning. Raises `Invalid` with every field that is wrong or must not change."""
    if subresource:
        errors = validation.on_subresource_update(rules, subresource, new, old)
    else:
        errors = validation.on_update(rules, new, old, loopback=loopback)
    _refuse(rules, new, errors)
    return errors.warnings
