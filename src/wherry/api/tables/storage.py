"""Rows of the storage kinds. Source: `printPersistentVolume`, `printPersistentVolumeClaim`, `printStorageClass`, CSI."""

from __future__ import annotations

from collections.abc import Iterable

from wherry.api.tables.columns import AGE, NAME, NONE, UNSET, Cells, Table, age, column, name, part
from wherry.api.types import Object

_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_OLD_CLASS = "volume.beta.kubernetes.io/storage-class"
_DEFAULTS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
_DEFAULT_ATTRIBUTES = ("volumeattributesclass.storage.k8s.io/is-default-class",)


def access_modes(modes: Iterable[str] | None) -> str:
    given = set(modes or ())
    return ",".join(short for mode, short in _MODES.items() if mode in given)


def _class_of(obj: Object) -> str:
    annotations = obj["metadata"].get("annotations") or {}
    return str(annotations.get(_OLD_CLASS) or part(obj, "spec").get("storageClassName") or "")


def _phase(obj: Object) -> str:
    return "Terminating" if obj["metadata"].get("deletionTimestamp") else part(obj, "status").get("phase") or ""


def _volume(obj: Object, now: float) -> Cells:
    spec, status = part(obj, "spec"), part(obj, "status")
    claim = spec.get("claimRef")
    return [
        name(obj),
        part(spec, "capacity").get("storage", "0"),
        access_modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy") or "",
        _phase(obj),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        _class_of(obj),
        spec.get("volumeAttributesClassName") or UNSET,
        status.get("reason") or "",
        age(obj, now),
        spec.get("volumeMode") or UNSET,
    ]


def _claim(obj: Object, now: float) -> Cells:
    spec, status = part(obj, "spec"), part(obj, "status")
    bound = bool(spec.get("volumeName"))
    return [
        name(obj),
        _phase(obj),
        spec.get("volumeName") or "",
        part(status, "capacity").get("storage", "0") if bound else "",
        access_modes(status.get("accessModes")) if bound else "",
        _class_of(obj),
        spec.get("volumeAttributesClassName") or UNSET,
        age(obj, now),
        spec.get("volumeMode") or UNSET,
    ]


def _default_name(obj: Object, keys: Iterable[str]) -> str:
    annotations = obj["metadata"].get("annotations") or {}
    return f"{name(obj)} (default)" if any(annotations.get(key) == "true" for key in keys) else name(obj)


def _storage_class(obj: Object, now: float) -> Cells:
    return [
        _default_name(obj, _DEFAULTS),
        obj.get("provisioner") or "",
        obj.get("reclaimPolicy") or "Delete",
        obj.get("volumeBindingMode") or "Immediate",
        bool(obj.get("allowVolumeExpansion")),
        age(obj, now),
    ]


def _attributes_class(obj: Object, now: float) -> Cells:
    return [_default_name(obj, _DEFAULT_ATTRIBUTES), obj.get("driverName") or "", age(obj, now)]


def _attachment(obj: Object, now: float) -> Cells:
    spec = part(obj, "spec")
    volume = part(spec, "source").get("persistentVolumeName") or ""
    attached = bool(part(obj, "status").get("attached"))
    return [name(obj), spec.get("attacher") or "", volume, spec.get("nodeName") or "", attached, age(obj, now)]


def _csi_driver(obj: Object, now: float) -> Cells:
    spec = part(obj, "spec")
    tokens = [token.get("audience") or "" for token in spec.get("tokenRequests") or ()]
    return [
        name(obj),
        spec.get("attachRequired") is not False,
        bool(spec.get("podInfoOnMount")),
        bool(spec.get("storageCapacity")),
        ",".join(tokens) if tokens else UNSET,
        bool(spec.get("requiresRepublish")),
        ",".join(spec.get("volumeLifecycleModes") or ()) or NONE,
        age(obj, now),
    ]


def _csi_node(obj: Object, now: float) -> Cells:
    return [name(obj), len(part(obj, "spec").get("drivers") or ()), age(obj, now)]


def _csi_capacity(obj: Object, now: float) -> Cells:
    return [name(obj), obj.get("storageClassName") or "", obj.get("capacity") or ""]


_CLASS = column("StorageClass", about="The storage class that it belongs to.")
_ATTRIBUTES = column("VolumeAttributesClass", about="The class of its changeable attributes.")
_MODE = column("VolumeMode", about="Filesystem or Block.", wide=True)
_CAPACITY = column("Capacity", about="How much it holds.")
_ACCESS = column("Access Modes", about="How it can be mounted.")

VOLUMES = Table(
    (
        NAME,
        _CAPACITY,
        _ACCESS,
        column("Reclaim Policy", about="What happens to it when its claim is gone."),
        column("Status", about="Whether it is claimed."),
        column("Claim", about="The claim that it is bound to."),
        _CLASS,
        _ATTRIBUTES,
        column("Reason", about="Why it is in this state."),
        AGE,
        _MODE,
    ),
    _volume,
)
CLAIMS = Table(
    (
        NAME,
        column("Status", about="Whether it is bound."),
        column("Volume", about="The volume that it is bound to."),
        _CAPACITY,
        _ACCESS,
        _CLASS,
        _ATTRIBUTES,
        AGE,
        _MODE,
    ),
    _claim,
)
STORAGE_CLASSES = Table(
    (
        NAME,
        column("Provisioner", about="What makes volumes of this class."),
        column("ReclaimPolicy", about="What happens to a volume when its claim is gone."),
        column("VolumeBindingMode", about="When a volume is made."),
        column("AllowVolumeExpansion", about="Whether volumes can grow."),
        AGE,
    ),
    _storage_class,
)
ATTRIBUTES_CLASSES = Table((NAME, column("DriverName", about="The driver."), AGE), _attributes_class)
ATTACHMENTS = Table(
    (
        NAME,
        column("Attacher", format_="name", about="The driver that attaches."),
        column("PV", about="The volume."),
        column("Node", about="The node."),
        column("Attached", "boolean", about="Whether it is attached."),
        AGE,
    ),
    _attachment,
)
CSI_DRIVERS = Table(
    (
        NAME,
        column("AttachRequired", "boolean", about="Whether volumes must be attached."),
        column("PodInfoOnMount", "boolean", about="Whether the driver is told about the pod."),
        column("StorageCapacity", "boolean", about="Whether the driver tells its capacity."),
        column("TokenRequests", about="The audiences of the tokens that it gets."),
        column("RequiresRepublish", "boolean", about="Whether volumes are published again and again."),
        column("Modes", about="The life cycles of its volumes."),
        AGE,
    ),
    _csi_driver,
)
CSI_NODES = Table((NAME, column("Drivers", "integer", about="The number of drivers."), AGE), _csi_node)
CSI_CAPACITIES = Table((NAME, column("StorageClassName", about="The storage class."), _CAPACITY), _csi_capacity)
