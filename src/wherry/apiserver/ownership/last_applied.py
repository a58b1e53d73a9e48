"""The move from client-side to server-side apply: what `kubectl apply` noted in an annotation is kubectl's already.

Only for the manager `kubectl`; who wants none of it names another one.
Source: k8s.io/apimachinery/pkg/util/managedfields/internal/lastappliedmanager.go, lastappliedupdater.go.
"""

from __future__ import annotations

from typing import Any

import orjson

from wherry.api.types import Object
from wherry.machinery.fieldsets import sets
from wherry.machinery.fieldsets.checking import problems
from wherry.machinery.fieldsets.comparing import compare
from wherry.machinery.fieldsets.fields import fields_of
from wherry.machinery.fieldsets.sets import Tree
from wherry.machinery.fieldsets.shape import ItemError, Map

MANAGER = "kubectl"
ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_MOST_BYTES = 256 * 1024


def noted(obj: Object) -> str:
    """What the annotation says; empty where it is not there."""
    annotations: Any = obj["metadata"].get("annotations") or {}
    return str(annotations.get(ANNOTATION) or "")


def applied_before(shape: Map, live: Object) -> Tree | None:
    """The fields that the last client-side apply set and that still are as it set them; None where none is known."""
    try:
        config = orjson.loads(noted(live) or "null")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(config, dict) or config.get("apiVersion") != live["apiVersion"] or problems(shape, config):
        return None
    try:
        difference = compare(shape, config, live)
        return sets.difference(sets.difference(fields_of(shape, config), difference.changed), difference.removed)
    except ItemError:
        return None


def note(obj: Object, config: Object) -> None:
    """Bring the annotation, where there is one, to what is applied now. `obj` and its metadata are the caller's own."""
    if not noted(obj):
        return
    metadata = dict(config.get("metadata") or {})
    if "annotations" in metadata:
        metadata["annotations"] = {k: v for k, v in (metadata["annotations"] or {}).items() if k != ANNOTATION}
        if not metadata["annotations"]:
            del metadata["annotations"]
    text = orjson.dumps({**config, "metadata": metadata}, option=orjson.OPT_SORT_KEYS).decode() + "\n"
    annotations = {**obj["metadata"]["annotations"], ANNOTATION: text}
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _MOST_BYTES:
        del annotations[ANNOTATION]
    obj["metadata"]["annotations"] = annotations
