"""DefaultStorageClass and DefaultIngressClass: what names no class gets the one that is marked as the default.

Of several, the newest counts; of those made in the same second, the first by name.
Source: plugin/pkg/admission/storage/storageclass/setdefault, plugin/pkg/admission/network/defaultingressclass.
"""

from __future__ import annotations

from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix

_STORAGE = storage_prefix("storage.k8s.io", "storageclasses")
_INGRESS = storage_prefix("networking.k8s.io", "ingressclasses")
_DEFAULT_STORAGE = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
_DEFAULT_INGRESS = ("ingressclass.kubernetes.io/is-default-class",)
_STORAGE_BEFORE, _INGRESS_BEFORE = "volume.beta.kubernetes.io/storage-class", "kubernetes.io/ingress.class"
"""Annotations that named the class before there was a field."""


def on_create_claim(attributes: Attributes) -> None:
    _set_class(attributes, "storageClassName", _STORAGE_BEFORE, _STORAGE, _DEFAULT_STORAGE)


def on_create_ingress(attributes: Attributes) -> None:
    _set_class(attributes, "ingressClassName", _INGRESS_BEFORE, _INGRESS, _DEFAULT_INGRESS)


def _set_class(attributes: Attributes, field: str, before: str, prefix: str, marks: tuple[str, ...]) -> None:
    obj = attributes.obj
    if obj is None or before in (obj["metadata"].get("annotations") or {}):
        return
    spec: Object = obj.setdefault("spec", {})
    if spec.get(field) is None and (name := _default(attributes, prefix, marks)):
        spec[field] = name


def _default(attributes: Attributes, prefix: str, marks: tuple[str, ...]) -> str:
    found: list[tuple[str, str]] = []
    for entry in attributes.parts.store.range(prefix).entries:
        metadata = decoded(entry)["metadata"]
        annotations = metadata.get("annotations") or {}
        if any(annotations.get(mark) == "true" for mark in marks):
            found.append((metadata["creationTimestamp"], metadata["name"]))
    if not found:
        return ""
    newest = max(created for created, _ in found)
    return min(name for created, name in found if created == newest)
