"""Labels, annotations and label selectors, wherever they stand.

Source: apimachinery/pkg/apis/meta/v1/validation, pkg/api/validation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherry.api.validation.errors import Errors
from wherry.machinery import names

ANNOTATIONS_MAX = 256 * 1024


def labels(errors: Errors, found: Mapping[str, str] | None, path: str) -> None:
    if not found:
        return
    for key, value in found.items():
        if messages := names.label_key(key):
            errors.each(path, key, messages)
        if value and (messages := names.label_value(value)):
            errors.each(path, value, messages)


def label_name(errors: Errors, key: str, path: str) -> None:
    errors.each(path, key, names.label_key(key))


def annotation_map(errors: Errors, found: Mapping[str, str] | None, path: str) -> None:
    if not found:
        return
    size = 0
    for key, value in found.items():
        if messages := names.label_key(key.lower()):
            errors.each(path, key, messages)
        size += len(key) + len(value or "")
    # Counting bytes costs an encoding each; only what comes near the limit is counted.
    if size * 4 > ANNOTATIONS_MAX and _bytes(found) > ANNOTATIONS_MAX:
        errors.too_long(path, ANNOTATIONS_MAX)


def _bytes(found: Mapping[str, str]) -> int:
    return sum(len(key.encode()) + len((value or "").encode()) for key, value in found.items())


def selector(errors: Errors, found: Mapping[str, Any] | None, path: str) -> None:
    """A `metav1.LabelSelector`; a missing one is fine here."""
    if not found:
        return
    labels(errors, found.get("matchLabels"), f"{path}.matchLabels")
    for i, expression in enumerate(found.get("matchExpressions") or ()):
        _expression(errors, expression, f"{path}.matchExpressions[{i}]")


def _expression(errors: Errors, expression: Mapping[str, Any], path: str) -> None:
    operator, values = expression.get("operator") or "", expression.get("values") or ()
    if operator in ("In", "NotIn"):
        if not values:
            errors.required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            errors.forbidden(f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    else:
        errors.invalid(f"{path}.operator", operator, "not a valid selector operator")
    label_name(errors, expression.get("key") or "", f"{path}.key")
    for i, value in enumerate(values):
        errors.each(f"{path}.values[{i}]", value, names.label_value(value))
