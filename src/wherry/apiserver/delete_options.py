"""`DeleteOptions` from the request's body, else from its query.

Source: k8s.io/apimachinery/pkg/apis/meta/v1/validation (ValidateDeleteOptions).
"""

from __future__ import annotations

from typing import Any

from wherry.api.errors import BadRequest, Cause
from wherry.api.types import Object
from wherry.apiserver.bodies import parse
from wherry.apiserver.call import Call
from wherry.apiserver.deletion import DeleteOptions
from wherry.apiserver.options import boolean, dry_run, integer, options_invalid

_POLICIES = ("Foreground", "Background", "Orphan")


def delete_options(call: Call) -> DeleteOptions:
    """Read and check them. Raises `BadRequest`, `Invalid`, 413, 415."""
    if not call.request.body and not call.query:
        return _NONE
    return from_object(from_body(call) if call.request.body else _from_query(call))


def from_body(call: Call) -> Object:
    options = parse(call.request, "DeleteOptions")
    if (options.get("kind") or "DeleteOptions") != "DeleteOptions":
        version = options.get("apiVersion", "")
        raise BadRequest(f'{options["kind"]} in version "{version}" cannot be handled as a DeleteOptions')
    # The query may carry the dry run beside a body.
    if "dryRun" in call.query:
        options.setdefault("dryRun", call.query["dryRun"])
    return options


def from_object(options: Object) -> DeleteOptions:
    """The options of a `DeleteOptions` object, checked."""
    preconditions = _typed(options, "preconditions", dict) or {}
    policy = _typed(options, "propagationPolicy", str) or ""
    orphan = _typed(options, "orphanDependents", bool)
    _check_policy(policy, orphan)
    values = _typed(options, "dryRun", list) or []
    return DeleteOptions(
        grace_period_seconds=_typed(options, "gracePeriodSeconds", int),
        propagation_policy=policy,
        orphan_dependents=orphan,
        uid=_typed(preconditions, "uid", str) or "",
        resource_version=_typed(preconditions, "resourceVersion", str) or "",
        dry_run=dry_run(values, "DeleteOptions"),
    )


def _check_policy(policy: str, orphan: bool | None) -> None:
    if policy and orphan is not None:
        message = f'Invalid value: "{policy}": orphanDependents and deletionPropagation cannot be both set'
        raise options_invalid("DeleteOptions", [Cause("FieldValueInvalid", message, "propagationPolicy")])
    if policy and policy not in _POLICIES:
        known = ", ".join(f'"{name}"' for name in (*_POLICIES, "nil"))
        message = f'Unsupported value: "{policy}": supported values: {known}'
        raise options_invalid("DeleteOptions", [Cause("FieldValueNotSupported", message, "propagationPolicy")])


def _typed(obj: Object, field: str, kind: type) -> Any:
    value = obj.get(field)
    if value is None or (isinstance(value, kind) and not (kind is int and isinstance(value, bool))):
        return value
    raise BadRequest(
        'DeleteOptions in version "v1" cannot be handled as a DeleteOptions: json: cannot unmarshal into Go struct'
        f" field DeleteOptions.{field} of type {kind.__name__}"
    )


def _from_query(call: Call) -> Object:
    query = call.query
    options: Object = {}
    if "gracePeriodSeconds" in query:
        options["gracePeriodSeconds"] = integer(query["gracePeriodSeconds"][0])
    if "propagationPolicy" in query:
        options["propagationPolicy"] = query["propagationPolicy"][0]
    if "orphanDependents" in query:
        options["orphanDependents"] = boolean(query["orphanDependents"][0])
    if "dryRun" in query:
        options["dryRun"] = query["dryRun"]
    return options


_NONE = DeleteOptions()
