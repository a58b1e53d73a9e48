"""Namespaces, service accounts and events. Source: `ValidateNamespace`, `ValidateServiceAccount`, `ValidateEvent`."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.metadata import standard_finalizer
from wherry.api.validation.rules import Rules
from wherry.machinery import names


def namespace(errors: Errors, obj: Object) -> None:
    for name in (obj.get("spec") or {}).get("finalizers") or ():
        _finalizer(errors, name, "spec.finalizers")


def _finalizer(errors: Errors, name: str, path: str) -> None:
    errors.each(path, name, names.label_key(name))
    standard_finalizer(errors, name, path)


def update_namespace(errors: Errors, new: Object, old: Object) -> None:
    """Beyond its metadata nothing of a namespace is checked again."""


def namespace_status(errors: Errors, new: Object, old: Object) -> None:
    deleting = (new.get("metadata") or {}).get("deletionTimestamp") is not None
    phase, wanted = (new.get("status") or {}).get("phase"), "Terminating" if deleting else "Active"
    if phase != wanted:
        state = "not empty" if deleting else "empty"
        errors.invalid("status.Phase", phase or "", f"may only be '{wanted}' if `deletionTimestamp` is {state}")


def finalize_namespace(errors: Errors, new: Object, old: Object) -> None:
    for i, name in enumerate((new.get("spec") or {}).get("finalizers") or ()):
        _finalizer(errors, name, f"spec.finalizers[{i}]")


def event(errors: Errors, obj: Object) -> None:
    """Events of both groups, as far as they are the same object."""
    namespace = (obj.get("metadata") or {}).get("namespace") or ""
    key = "involvedObject" if "involvedObject" in obj else "regarding"
    involved = obj.get(key) or {}
    if not involved.get("namespace"):
        if namespace not in ("", "default", "kube-system"):
            errors.invalid("involvedObject.namespace", "", "does not match event.namespace")
    elif involved["namespace"] != namespace:
        errors.invalid("involvedObject.namespace", involved["namespace"], "does not match event.namespace")


NAMESPACES = Rules(name=names.dns1123_label, create=namespace, update=update_namespace, status=namespace_status)
NAMESPACE_FINALIZE = Rules(update=finalize_namespace)
SERVICE_ACCOUNTS = Rules()
EVENTS = Rules(create=event)
