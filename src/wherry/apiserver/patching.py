"""The three formats of patches that are worked on the object itself. (Server-side apply is in `ownership`.)

Errors are upstream's: what is no patch is 400, what cannot be applied is 422.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from wherry.api.errors import BadRequest, Cause, Invalid, RequestEntityTooLarge, UnsupportedMediaType
from wherry.api.schema.duplicates import duplicate_fields
from wherry.api.schema.patching import patch_schema
from wherry.api.types import Object
from wherry.apiserver.bodies import json_type
from wherry.apiserver.registry import Served
from wherry.machinery import jsonpatch, mergepatch, strategic
from wherry.machinery.go_json import go_json_error
from wherry.machinery.patch_schema import StrategicPatchError

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
PATCHES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)
MAX_OPERATIONS = 10_000


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch of one of the media types in `PATCHES`. The text is parsed for each try: trying changes what is parsed."""

    media: str
    text: bytes

    def content(self) -> Any:
        """Raises `BadRequest`."""
        try:
            return orjson.loads(self.text)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"error decoding patch: {go_json_error(self.text, str(error))}") from error

    def duplicates(self) -> list[str]:
        """Fields that a merging patch gives twice, of which the last counts. The text must be valid."""
        return [] if self.media == JSON_PATCH else duplicate_fields(self.text, orjson.loads(self.text))


def rejected(why: str) -> Invalid:
    """A patch that is well formed but cannot be applied."""
    return Invalid(
        "the server rejected our request due to an error in our request",
        causes=[Cause("UnexpectedServerResponse", why)],
    )


def apply(served: Served, patch: Patch, base: Object) -> Object:
    """The patched object, which shares with `base` what stayed the same. Raises `BadRequest`, `Invalid`, 413, 415."""
    result = _APPLY[patch.media](served, patch.content(), base)
    if not isinstance(result, dict):
        raise rejected(f"json: cannot unmarshal {json_type(result)} into Go value of type {served.kind}")
    return result


def _json_patch(served: Served, content: Any, base: Object) -> Any:
    try:
        operations = jsonpatch.check(content)
    except jsonpatch.MalformedPatch as error:
        raise BadRequest(str(error)) from error
    if len(operations) > MAX_OPERATIONS:
        raise RequestEntityTooLarge(
            f"Request entity too large: The allowed maximum operations in a JSON patch is {MAX_OPERATIONS},"
            f" got {len(operations)}"
        )
    try:
        return jsonpatch.apply(base, operations)
    except jsonpatch.JsonPatchError as error:
        raise rejected(str(error)) from error


def _as_map(content: Any) -> Object:
    if not isinstance(content, dict):
        why = f"json: cannot unmarshal {json_type(content)} into Go value of type map[string]interface {{}}"
        raise BadRequest(f"error decoding patch: {why}")
    return content


def _merge_patch(served: Served, content: Any, base: Object) -> Any:
    return mergepatch.apply(base, _as_map(content))


def _strategic_patch(served: Served, content: Any, base: Object) -> Any:
    schema = patch_schema(served.api_version, served.kind)
    if schema is None:
        # Kinds without Go types, as upstream: custom resources.
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: "
            f"{JSON_PATCH}, {MERGE_PATCH}"
        )
    try:
        return strategic.apply(base, _as_map(content), schema)
    except StrategicPatchError as error:
        raise BadRequest(str(error)) from error
    except TypeError as error:
        # A list or a map where the schema has a merge key.
        raise BadRequest(f"error decoding patch: {error}") from error


_APPLY = {JSON_PATCH: _json_patch, MERGE_PATCH: _merge_patch, STRATEGIC_PATCH: _strategic_patch}
