"""ConversionReview: asking a webhook for objects in another version, and what its answer must look like.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from wherry.api.types import Object

GROUP, KIND = "apiextensions.k8s.io", "ConversionReview"
VERSIONS = ("v1", "v1beta1")
_IDENTITY = (("name", "name"), ("namespace", "namespace"), ("UID", "uid"))


class ConversionFailed(ValueError):
    """The message is upstream's."""


def review(version: str, uid: str, desired: str, objects: Sequence[Object]) -> Object:
    return {
        "kind": KIND,
        "apiVersion": f"{GROUP}/{version}",
        "request": {"uid": uid, "desiredAPIVersion": desired, "objects": list(objects)},
    }


def converted(
    body: bytes, *, version: str, uid: str, desired: str, objects: Sequence[Object], shown: str
) -> list[Object]:
    """The objects of the answer, one for each that was sent, with its metadata. `shown` is what was asked about.

    Raises `ConversionFailed`.
    """
    begin = f"conversion webhook for {shown}"
    try:
        found = _objects(body, version, uid)
    except ConversionFailed as error:
        raise ConversionFailed(f"{begin} failed: {error}") from error
    if len(found) != len(objects):
        raise ConversionFailed(f"{begin} returned {len(found)} objects, expected {len(objects)}")
    return [_checked(begin, i, before, found[i], desired) for i, before in enumerate(objects)]


def _objects(body: bytes, version: str, uid: str) -> list[Any]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ConversionFailed(f"couldn't get version/kind; json parse error: {error}") from error
    answer = answer if isinstance(answer, dict) else {}
    given, kind = answer.get("apiVersion") or "", answer.get("kind") or ""
    if (given, kind) != (f"{GROUP}/{version}", KIND):
        place = given if "/" in given else f"/{given}"
        raise ConversionFailed(f"expected webhook response of {GROUP}/{version}, Kind={KIND}, got {place}, Kind={kind}")
    response = answer.get("response")
    if not isinstance(response, dict):
        raise ConversionFailed("no response provided")
    if response.get("uid", "") != uid:
        raise ConversionFailed(f'expected response.uid="{uid}", got "{response.get("uid", "")}"')
    result = response.get("result") or {}
    status = result.get("status") or ""
    if status != "Success":
        raise ConversionFailed(result.get("message") or f"response.result.status was '{status}', not 'Success'")
    objects = response.get("convertedObjects")
    return objects if isinstance(objects, list) else []


def _checked(begin: str, index: int, before: Object, after: Any, desired: str) -> Object:
    """The object as it is to be used: of its metadata only labels and annotations are taken over."""
    where = f"{begin} returned invalid converted object at index {index}: "
    if not isinstance(after, dict):
        raise ConversionFailed(f"{where}not an object")
    if after.get("apiVersion") != desired:
        given = after.get("apiVersion") or ""
        raise ConversionFailed(f"{where}invalid groupVersion (expected {desired}, received {given})")
    if after.get("kind") != before.get("kind"):
        raise ConversionFailed(f"{where}invalid kind (expected {before.get('kind')}, received {after.get('kind')})")
    metadata = after.get("metadata")
    if not isinstance(metadata, dict):
        raise ConversionFailed(f"{where}invalid metadata of type {type(metadata).__name__} in converted object")
    old = before["metadata"]
    for name, field in _IDENTITY:
        if (metadata.get(field) or "") != (old.get(field) or ""):
            raise ConversionFailed(
                f"{where}must have the same {name}: {old.get(field) or ''} != {metadata.get(field) or ''}"
            )
    kept = {key: value for key, value in old.items() if key not in ("labels", "annotations")}
    for key in ("labels", "annotations"):
        if (value := metadata.get(key)) is not None:
            kept[key] = _texts(where, key, value)
    return {**after, "metadata": kept}


def _texts(where: str, key: str, value: Any) -> Object:
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ConversionFailed(f"{where}metadata.{key}: Invalid value: must be a map of strings")
    return value
