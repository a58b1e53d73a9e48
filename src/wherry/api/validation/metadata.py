"""ObjectMeta: names, labels, annotations, owners and finalizers on create; what may not change on update.

Source: apimachinery/pkg/api/validation/objectmeta.go, and pkg/apis/core/validation for the finalizers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wherry.api.types import Object
from wherry.api.validation.errors import Errors, quote
from wherry.api.validation.fields import immutable
from wherry.api.validation.labels import annotation_map, labels
from wherry.machinery import names

NameRule = Callable[[str], names.Messages]

STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")
_FIXED = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
_REQUIRED_OF_OWNERS = (
    ("apiVersion", "version must not be empty"),
    ("kind", "must not be empty"),
    ("name", "must not be empty"),
    ("uid", "must not be empty"),
)


def on_create(errors: Errors, obj: Object, *, namespaced: bool, rule: NameRule) -> None:
    """Metadata with the name already generated."""
    metadata = obj.get("metadata") or {}
    if prefix := metadata.get("generateName"):
        # A trailing dash is fine in a prefix: something follows it.
        errors.each("metadata.generateName", prefix, rule(f"{prefix[:-1]}a" if prefix.endswith("-") else prefix))
    name = metadata.get("name")
    if not name:
        errors.required("metadata.name", "name or generateName is required")
    elif messages := rule(name):
        errors.each("metadata.name", name, messages)
    _namespace(errors, metadata.get("namespace"), namespaced)
    common(errors, metadata)


def _namespace(errors: Errors, namespace: str | None, namespaced: bool) -> None:
    if not namespaced:
        if namespace:
            errors.forbidden("metadata.namespace", "not allowed on this type")
    elif not namespace:
        errors.required("metadata.namespace")
    elif messages := names.dns1123_label(namespace):
        errors.each("metadata.namespace", namespace, messages)


def common(errors: Errors, metadata: Object) -> None:
    """What create and update look at alike."""
    if found := metadata.get("labels"):
        labels(errors, found, "metadata.labels")
    if found := metadata.get("annotations"):
        annotation_map(errors, found, "metadata.annotations")
    if found := metadata.get("ownerReferences"):
        _owners(errors, found)
    if found := metadata.get("finalizers"):
        _finalizers(errors, found)


def on_update(errors: Errors, new: Object, old: Object) -> None:
    """Both objects with their resource version and generation as they would be stored."""
    metadata, stored = new.get("metadata") or {}, old["metadata"]
    if stored.get("deletionTimestamp"):
        _no_new_finalizers(errors, metadata, stored)
    if not metadata.get("resourceVersion"):
        errors.invalid("metadata.resourceVersion", "", "must be specified for an update")
    generation = metadata.get("generation") or 0
    if generation < (stored.get("generation") or 0):
        errors.invalid("metadata.generation", generation, "must not be decremented")
    for key in _FIXED:
        if metadata.get(key) != stored.get(key):
            immutable(errors, metadata.get(key), stored.get(key), f"metadata.{key}")
    common(errors, metadata)


def _no_new_finalizers(errors: Errors, metadata: Object, stored: Object) -> None:
    extra = sorted(set(metadata.get("finalizers") or ()) - set(stored.get("finalizers") or ()))
    if extra:
        listed = ", ".join(map(quote, extra))
        errors.forbidden(
            "metadata.finalizers",
            f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{listed}}}",
        )


def _owners(errors: Errors, references: list[Object]) -> None:
    path, controller = "metadata.ownerReferences", ""
    for reference in references:
        for key, text in _REQUIRED_OF_OWNERS:
            if not reference.get(key):
                errors.invalid(f"{path}.{key}", "", text)
        if (reference.get("apiVersion"), reference.get("kind")) == ("v1", "Event"):
            errors.invalid(path, reference, "/v1, Kind=Event is disallowed from being an owner")
        if not reference.get("controller"):
            continue
        current = f"{reference.get('kind')}/{reference.get('name')}"
        if controller:
            errors.invalid(
                path,
                references,
                "Only one reference can have Controller set to true. "
                f'Found "true" in references for {controller} and {current}',
            )
        else:
            controller = current


def _finalizers(errors: Errors, found: list[Any]) -> None:
    path = "metadata.finalizers"
    for name in found:
        errors.each(path, name, names.label_key(name))
    if "orphan" in found and "foregroundDeletion" in found:
        errors.invalid(path, found, "finalizer orphan and foregroundDeletion cannot be both set")
    for i, name in enumerate(found):
        standard_finalizer(errors, name, f"{path}[{i}]")


def standard_finalizer(errors: Errors, name: str, path: str) -> None:
    if "/" not in name and name not in STANDARD_FINALIZERS:
        errors.invalid(path, name, "name is neither a standard finalizer name nor is it fully qualified")
