"""Defaults of persistent volumes, claims, storage classes and CSI drivers.

Source: pkg/apis/core/v1/defaults.go, pkg/apis/storage/v1/defaults.go.
"""

from __future__ import annotations

from wherry.api.defaults.fields import if_absent, if_zero, section
from wherry.api.defaults.quantities import resource_list
from wherry.api.defaults.volumes import claim_spec, persistent_source
from wherry.api.types import Object


def persistent_volume(obj: Object) -> None:
    spec = section(obj, "spec")
    if_zero(section(obj, "status"), "phase", "Pending")
    if_zero(spec, "persistentVolumeReclaimPolicy", "Retain")
    if_absent(spec, "volumeMode", "Filesystem")
    if capacity := spec.get("capacity"):
        resource_list(capacity)
    persistent_source(spec)


def persistent_volume_claim(obj: Object) -> None:
    status = section(obj, "status")
    if_zero(status, "phase", "Pending")
    for key in ("capacity", "allocatedResources"):
        if found := status.get(key):
            resource_list(found)
    claim_spec(section(obj, "spec"))


def storage_class(obj: Object) -> None:
    if_absent(obj, "reclaimPolicy", "Delete")
    if_absent(obj, "volumeBindingMode", "Immediate")


def csi_driver(obj: Object) -> None:
    spec = section(obj, "spec")
    if_absent(spec, "attachRequired", True)
    for key in ("podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount"):
        if_absent(spec, key, False)
    if_absent(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType")
    if_zero(spec, "volumeLifecycleModes", ["Persistent"])
