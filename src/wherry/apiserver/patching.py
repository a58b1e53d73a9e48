"""The three patch formats, applied to an object.

Errors are upstream's: what is no patch is 400, what cannot be applied is 422.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wherry.api.errors import BadRequest, Cause, Invalid
from wherry.api.types import Object
from wherry.apiserver.registry import Served

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
PATCHES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH)


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch of one of the media types in `PATCHES`, and its parsed content."""

    media: str
    content: Any


def rejected(why: str) -> Invalid:
    """A patch that is well formed but cannot be applied."""
    return Invalid(
        "the server rejected our request due to an error in our request",
        causes=[Cause("UnexpectedServerResponse", why)],
    )


def apply(served: Served, patch: Patch, base: Object) -> Object:
    """The patched object; `base` is the caller's own and may be changed. Raises `BadRequest`, `Invalid`."""
    result = _APPLY[patch.media](served, patch.content, base)
    if not isinstance(result, dict):
        raise BadRequest("the patched object is not an object")
    return result


def _json_patch(served: Served, content: Any, base: Object) -> Any:
    from wherry.machinery import jsonpatch

    return jsonpatch.apply(base, content)


def _merge_patch(served: Served, content: Any, base: Object) -> Any:
    from wherry.machinery import mergepatch

    return mergepatch.apply(base, content)


def _strategic_patch(served: Served, content: Any, base: Object) -> Any:
    from wherry.machinery import strategic

    return strategic.apply(base, content)


_APPLY = {JSON_PATCH: _json_patch, MERGE_PATCH: _merge_patch, STRATEGIC_PATCH: _strategic_patch}
