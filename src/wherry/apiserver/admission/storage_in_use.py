"""StorageObjectInUseProtection: claims and volumes are held by a finalizer from the start.

Source: plugin/pkg/admission/storage/storageobjectinuseprotection.
"""

from __future__ import annotations

from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes

CLAIM, VOLUME = "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"


def on_create_claim(attributes: Attributes) -> None:
    _hold(attributes.obj, CLAIM)


def on_create_volume(attributes: Attributes) -> None:
    _hold(attributes.obj, VOLUME)


def _hold(obj: Object | None, finalizer: str) -> None:
    if obj is not None:
        finalizers = obj["metadata"].setdefault("finalizers", [])
        if finalizer not in finalizers:
            finalizers.append(finalizer)
