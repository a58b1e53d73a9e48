"""The patch from what is there to what a file says: strategic for built-in kinds, a JSON merge patch for all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wherry.api.types import Object
from wherry.cli.applying.annotation import annotated, last_applied
from wherry.cli.errors import Refused

_IDENTITY = ("apiVersion", "kind")


@dataclass(frozen=True, slots=True)
class Patch:
    """`type` as `Client.patch` takes it. An empty body: nothing is to be done."""

    type: str
    body: Object


def between(current: Object, wanted: Object) -> Patch:
    """Decide the patch; what was applied last tells what to take away. Raises `Refused`."""
    from wherry.api.schema.patching import patch_schema
    from wherry.machinery import mergepatch, strategic_diff
    from wherry.machinery.patch_schema import StrategicPatchError

    modified = annotated(wanted)
    before = last_applied(current) or {}
    schema = patch_schema(wanted["apiVersion"], wanted["kind"])
    if schema is not None:
        try:
            return Patch("strategic", strategic_diff.three_way(before, modified, current, schema))
        except StrategicPatchError:
            pass  # a field that the schema does not have: the server says so in its own words
    patch: Any = mergepatch.create_three_way(before, modified, current)
    for field in _IDENTITY:
        if field in patch:
            raise Refused(f"at least one of apiVersion, kind and name was changed: {field}")
    return Patch("merge", patch)
