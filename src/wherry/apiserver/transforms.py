"""Tables and partial objects: what `meta.k8s.io` makes of any object.

Source: k8s.io/apiserver/pkg/endpoints/handlers/response.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api import tables
from wherry.api.errors import BadRequest
from wherry.api.types import Object
from wherry.api.validation.errors import quote
from wherry.apiserver.call import Call
from wherry.apiserver.negotiation import Format

_INCLUDE = ("None", "Metadata", "Object")


def partial(obj: Object, version: str) -> Object:
    """Only the metadata, which is shared with `obj`."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": obj.get("metadata") or {},
    }


def include_object(call: Call) -> str:
    """`includeObject`: what each row carries besides its cells. Raises `BadRequest`."""
    include = call.parameter("includeObject") or "Metadata"
    if include not in _INCLUDE:
        raise BadRequest(
            f"Unable to convert to Table as requested: includeObject: Invalid value: {quote(include)}: "
            "must be 'Metadata', 'Object', 'None', or empty"
        )
    return include


def table(call: Call, form: Format, objects: Sequence[Object], metadata: Object, *, columns: bool = True) -> Object:
    """The objects as rows of cells. Without `columns` their definitions are left out (later events of a watch)."""
    resource, subresource = call.served.resource, call.info.subresource
    include = include_object(call)
    now = call.parts.clock.now()
    rows: list[Object] = []
    for obj in objects:
        row: Object = {"cells": tables.row(resource, obj, now, subresource)}
        if conditions := tables.row_conditions(resource, obj):
            row["conditions"] = conditions
        if include != "None":
            row["object"] = obj if include == "Object" else partial(obj, form.version)
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{form.version}",
        "metadata": metadata,
        "columnDefinitions": tables.columns(resource, subresource) if columns else None,
        "rows": rows,
    }
