"""Metrics in the form that the client asked for: whole, as a Table, as metadata only; JSON or YAML."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from wherry.api.types import Object
from wherry.apiserver.answers import HEADERS
from wherry.apiserver.negotiation import YAML, Format, negotiate, not_acceptable
from wherry.apiserver.resourcemetrics.objects import COLUMNS, cells
from wherry.wire.messages import Request, Response


def reply(request: Request, obj: Object) -> Response:
    """Raises `NotAcceptable`."""
    form = negotiate(request.headers.get("accept", ""))
    if form is None:
        raise not_acceptable()
    shape = _SHAPES.get(form.transform)
    body = obj if shape is None else shape(form, request, obj)
    if form.media == YAML:
        from wherry.machinery.yaml.writer import dump

        return Response(200, dump(body).encode(), YAML, HEADERS)
    return json_reply(body)


def json_reply(body: Object) -> Response:
    return Response(200, orjson.dumps(body), headers=HEADERS)


def _items(obj: Object) -> list[Object]:
    return obj.get("items", [obj])


def _table(form: Format, request: Request, obj: Object) -> Object:
    include = (request.query().get("includeObject") or ["Metadata"])[0]
    rows = []
    for item in _items(obj):
        row: Object = {"cells": cells(item)}
        if include != "None":
            row["object"] = item if include == "Object" else _partial(form, item)
        rows.append(row)
    head = {"kind": "Table", "apiVersion": f"meta.k8s.io/{form.version}", "metadata": {}}
    return {**head, "columnDefinitions": COLUMNS, "rows": rows}


def _partial(form: Format, obj: Object) -> Object:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{form.version}",
        "metadata": obj["metadata"],
    }


def _partial_list(form: Format, request: Request, obj: Object) -> Object:
    return {
        "kind": "PartialObjectMetadataList",
        "apiVersion": f"meta.k8s.io/{form.version}",
        "metadata": {},
        "items": [_partial(form, item) for item in _items(obj)],
    }


_SHAPES: dict[str, Callable[[Format, Request, Object], Object]] = {
    "Table": _table,
    "PartialObjectMetadata": lambda form, request, obj: _partial(form, obj),
    "PartialObjectMetadataList": _partial_list,
}
