"""Objects inside objects (`x-kubernetes-embedded-resource`): they need an apiVersion, a kind and proper metadata.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta.
"""

from __future__ import annotations

from typing import Any

from wherry.api.customresources.structural import Node, path_of
from wherry.api.validation.errors import Errors


def check_embedded(errors: Errors, node: Node, value: Any, path: str = "") -> None:
    """Look at every embedded object below `value`."""
    if value.__class__ is dict:
        for key, item in value.items():
            inner = node.properties.get(key) or node.additional
            if inner is None or item.__class__ not in (dict, list):
                continue
            here = path_of(path, key)
            if inner.embedded and item.__class__ is dict:
                _check(errors, item, here)
            check_embedded(errors, inner, item, here)
    elif value.__class__ is list and node.items is not None:
        for index, item in enumerate(value):
            if node.items.embedded and item.__class__ is dict:
                _check(errors, item, f"{path}[{index}]")
            check_embedded(errors, node.items, item, f"{path}[{index}]")


def _check(errors: Errors, obj: dict[str, Any], path: str) -> None:
    for field in ("apiVersion", "kind"):
        if not obj.get(field):
            errors.required(f"{path}.{field}", "must not be empty")
    metadata = obj.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        errors.invalid(f"{path}.metadata", metadata, "must be an object")
