"""PersistentVolumeClaimResize: a claim grows only where it is bound and its class allows it.

Source: plugin/pkg/admission/storage/persistentvolume/resize.
"""

from __future__ import annotations

from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix
from wherry.machinery.quantity import parse_value

_CLASSES = storage_prefix("storage.k8s.io", "storageclasses")


def on_update(attributes: Attributes) -> None:
    new, old = attributes.obj, attributes.old
    if new is None or old is None or _size(new) <= _size(old):
        return
    if (old.get("status") or {}).get("phase") != "Bound":
        raise attributes.forbid("Only bound persistent volume claims can be expanded")
    if not _may_grow(attributes, new, old):
        raise attributes.forbid(
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support"
            " resize"
        )


def _size(claim: Object) -> int:
    resources = (claim.get("spec") or {}).get("resources") or {}
    asked = (resources.get("requests") or {}).get("storage")
    return parse_value(asked) if asked else 0


def _may_grow(attributes: Attributes, new: Object, old: Object) -> bool:
    name = new["spec"].get("storageClassName")
    if not name or name != old["spec"].get("storageClassName"):
        return False
    entry = attributes.parts.store.get(_CLASSES + name)
    return entry is not None and bool(decoded(entry).get("allowVolumeExpansion"))
