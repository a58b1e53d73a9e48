"""A write as a webhook or a policy sees it: the objects in the version it asked for, and the request around them."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.delete_options import from_body
from wherry.apiserver.objects import new_uid
from wherry.apiserver.options import boolean
from wherry.apiserver.registry import Served
from wherry.apiserver.webhooks.invocation import Match
from wherry.policy.admission.matching import Subject
from wherry.policy.admission.review import kind_of, request_of

_OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


async def in_version(obj: Object | None, target: Served) -> Object | None:
    """The object at the target's version, sharing what stayed the same; objects of other kinds (Scale) as they are."""
    if obj is None or obj.get("kind") != target.kind or obj.get("apiVersion") == target.api_version:
        return obj
    if target.resource.custom is not None:
        return await _custom(obj, target, target.api_version)
    return target.conversion.from_stored(obj) if target.conversion is not None else obj


async def back(obj: Object, source: Served, api_version: str) -> Object:
    """The object, which is at the source's version, as it was before `in_version`."""
    if obj.get("apiVersion") == api_version:
        return obj
    if source.resource.custom is not None:
        return await _custom(obj, source, api_version)
    return source.conversion.to_stored(obj) if source.conversion is not None else obj


async def _custom(obj: Object, served: Served, api_version: str) -> Object:
    later = served.conversion.later if served.conversion is not None else None
    if later is None:
        return {**obj, "apiVersion": api_version}
    return (await later.objects([obj], api_version))[0]


def request_for(
    attributes: Attributes, requested: Subject, found: Match, obj: Object | None, old: Object | None
) -> Object:
    """The `request` of an AdmissionReview. `obj` and `old` are at the version of the match."""
    return request_of(
        uid=new_uid(),
        subject=found.subject,
        requested=requested,
        kind=_kind(obj, old, found.served),
        requested_kind=_kind(obj, old, attributes.served),
        user=attributes.user,
        obj=obj,
        old=old,
        dry_run=attributes.dry_run,
        options=options_of(attributes),
    )


def _kind(obj: Object | None, old: Object | None, served: Served) -> Object:
    shown = obj if obj is not None else old
    kind = (shown or {}).get("kind") or served.kind
    if shown is None or kind == served.kind:
        return kind_of(served.api_version, served.kind)
    return kind_of(shown.get("apiVersion") or "", kind)


def options_of(attributes: Attributes) -> Object | None:
    """`CreateOptions` and so on, as the client gave them."""
    kind = _OPTIONS.get(attributes.operation)
    if kind is None:
        return None
    call = attributes.call
    options: Object = {"kind": kind, "apiVersion": "meta.k8s.io/v1"}
    if kind == "DeleteOptions":
        if call.request.body and call.verb in ("delete", "deletecollection"):
            return {**from_body(call), **options}
        for name in ("gracePeriodSeconds", "propagationPolicy", "orphanDependents"):
            if name in call.query:
                options[name] = _typed(name, call.parameter(name))
    for name in ("fieldManager", "fieldValidation"):
        if (text := call.parameter(name)) and kind != "DeleteOptions":
            options[name] = text
    if attributes.dry_run:
        options["dryRun"] = ["All"]
    return options


def _typed(name: str, text: str) -> object:
    if name == "gracePeriodSeconds":
        return int(text)
    return boolean(text) if name == "orphanDependents" else text
