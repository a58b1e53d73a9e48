"""The last applied configuration, kept in an annotation of the object: kubectl and Wherry read each other's."""

from __future__ import annotations

from typing import Any

import orjson

from wherry.api.types import Object
from wherry.cli.formats.json_writer import compact

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def annotated(obj: Object) -> Object:
    """The object with itself, as it was written, in the annotation."""
    plain = without(obj)
    annotations = {**plain["metadata"]["annotations"], LAST_APPLIED: compact(plain)}
    return {**plain, "metadata": {**plain["metadata"], "annotations": annotations}}


def without(obj: Object) -> Object:
    """The object without the annotation; its `annotations` are there even if empty, as kubectl has it."""
    metadata = obj.get("metadata") or {}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}


def last_applied(obj: Object) -> Object | None:
    """What was applied last; None where nothing was."""
    text = ((obj.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    if not text:
        return None
    try:
        found: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
