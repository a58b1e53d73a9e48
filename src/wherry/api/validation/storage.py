"""Persistent volumes and claims. Source: `ValidatePersistentVolume`, `ValidatePersistentVolumeClaim`."""

from __future__ import annotations

from wherry.api.semantic import same
from wherry.api.types import Object
from wherry.api.validation.dra_fields import driver_name
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import immutable, no_backsteps
from wherry.api.validation.labels import selector
from wherry.api.validation.pod_updates import difference
from wherry.api.validation.resources import amount, quantity_value
from wherry.api.validation.rules import Rules
from wherry.api.validation.scheduling import node_selector
from wherry.api.validation.volumes import nfs_source
from wherry.api.volume_fields import NOT_SOURCES
from wherry.machinery import names
from wherry.machinery.quantity import ZERO, QuantityError, parse

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
_RECLAIM = ("Delete", "Recycle", "Retain")


def claim_spec(errors: Errors, spec: Object, path: str) -> None:
    """The spec of a claim, alone or in a template."""
    _access_modes(errors, spec, f"{path}.accessModes")
    selector(errors, spec.get("selector"), f"{path}.selector")
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if storage is None:
        errors.required(f"{path}.resources[storage]")
    else:
        _positive(errors, storage, f"{path}.resources[storage]")
    if name := spec.get("storageClassName"):
        errors.each(f"{path}.storageClassName", name, names.dns1123_subdomain(name))
    if name := spec.get("volumeAttributesClassName"):
        errors.each(f"{path}.volumeAttributesClassName", name, names.dns1123_subdomain(name))
    mode = spec.get("volumeMode")
    if mode is not None and mode not in VOLUME_MODES:
        errors.not_supported(f"{path}.volumeMode", mode, VOLUME_MODES)
    source, ref = spec.get("dataSource"), spec.get("dataSourceRef")
    for key, found in (("dataSource", source), ("dataSourceRef", ref)):
        if found is not None:
            _data_source(errors, found, f"{path}.{key}")
    if source is not None and ref is not None:
        plain = {key: value for key, value in ref.items() if key != "namespace"}
        if not same(source, plain):
            errors.invalid(path, f"{path}.dataSource", "must match dataSourceRef")


def _access_modes(errors: Errors, spec: Object, path: str) -> None:
    modes = spec.get("accessModes") or ()
    if not modes:
        errors.required(path, "at least 1 access mode is required")
    for mode in modes:
        if mode not in ACCESS_MODES:
            errors.not_supported(path, mode, ACCESS_MODES)
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        errors.forbidden(path, "may not use ReadWriteOncePod with other access modes")


def _positive(errors: Errors, value: str, path: str) -> None:
    found = amount(errors, value, path)
    if found is not None and found.nanos <= 0:
        errors.invalid(path, str(found), "must be greater than zero")


def _data_source(errors: Errors, source: Object, path: str) -> None:
    for key in ("name", "kind"):
        if not source.get(key):
            errors.required(f"{path}.{key}")
    if not source.get("apiGroup") and source.get("kind") != "PersistentVolumeClaim":
        errors.invalid(path, source.get("kind"), "")


def claim(errors: Errors, obj: Object) -> None:
    claim_spec(errors, obj.get("spec") or {}, "spec")


def update_claim(errors: Errors, new: Object, old: Object) -> None:
    claim(errors, new)
    after, before = new.get("spec") or {}, old.get("spec") or {}
    bound = (old.get("status") or {}).get("phase") == "Bound"
    masked = dict(after)
    if not before.get("volumeName"):
        masked.pop("volumeName", None)
    if before.get("storageClassName") is None:
        masked.pop("storageClassName", None)
    if bound:
        masked["resources"] = {
            **(after.get("resources") or {}),
            "requests": (before.get("resources") or {}).get("requests"),
        }
        masked.pop("volumeAttributesClassName", None)
    stored = {key: value for key, value in before.items() if key in masked or key != "volumeAttributesClassName"}
    if not same(masked, stored):
        text = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
        )
        errors.forbidden("spec", f"{text}\n{difference(stored, masked, type='core.PersistentVolumeClaimSpec')}")
    sizes = [_size(((s.get("resources") or {}).get("requests") or {}).get("storage")) for s in (after, before)]
    if sizes[0] < sizes[1] and sizes[0] <= _size(((old.get("status") or {}).get("capacity") or {}).get("storage")):
        errors.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")
    immutable(errors, after.get("volumeMode"), before.get("volumeMode"), "volumeMode")


def _size(text: str | None) -> int:
    try:
        return parse(text).nanos if text is not None else ZERO.nanos
    except QuantityError:
        return 0


def volume(errors: Errors, obj: Object) -> None:
    spec = obj.get("spec") or {}
    _access_modes_of_volume(errors, spec)
    capacity = spec.get("capacity") or {}
    if not capacity:
        errors.required("spec.capacity")
    elif "storage" not in capacity or len(capacity) > 1:
        errors.not_supported("spec.capacity", capacity, ("storage",))
    for name, value in capacity.items():
        _positive(errors, value, f"spec.capacity[{name}]")
    policy = spec.get("persistentVolumeReclaimPolicy")
    if policy and policy not in _RECLAIM:
        errors.not_supported("spec.persistentVolumeReclaimPolicy", policy, _RECLAIM)
    if (affinity := spec.get("nodeAffinity")) is not None:
        if affinity.get("required") is None:
            errors.required("spec.nodeAffinity.required", "must specify required node constraints")
        else:
            node_selector(errors, affinity["required"], "spec.nodeAffinity.required")
    _source(errors, spec)
    if name := spec.get("storageClassName"):
        errors.each("spec.storageClassName", name, names.dns1123_subdomain(name))
    if name := spec.get("volumeAttributesClassName"):
        errors.each("spec.volumeAttributesClassName", name, names.dns1123_subdomain(name))
    mode = spec.get("volumeMode")
    if mode is not None and mode not in VOLUME_MODES:
        errors.not_supported("spec.volumeMode", mode, VOLUME_MODES)


def _access_modes_of_volume(errors: Errors, spec: Object) -> None:
    modes = spec.get("accessModes") or ()
    if not modes:
        errors.required("spec.accessModes")
    for mode in modes:
        if mode not in ACCESS_MODES:
            errors.not_supported("spec.accessModes", mode, ACCESS_MODES)
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        errors.forbidden("spec.accessModes", "may not use ReadWriteOncePod with other access modes")


def _source(errors: Errors, spec: Object) -> None:
    given = sorted(key for key, value in spec.items() if key not in NOT_SOURCES and value is not None)
    if not given:
        errors.required("spec", "must specify a volume type")
    for key in given[1:]:
        errors.forbidden(f"spec.{key}", "may not specify more than 1 volume type")
    if (host := spec.get("hostPath")) is not None:
        if not host.get("path"):
            errors.required("spec.hostPath.path")
        else:
            no_backsteps(errors, host["path"], "spec.hostPath.path")
            if host["path"] == "/" and spec.get("persistentVolumeReclaimPolicy") == "Recycle":
                errors.forbidden(
                    "spec.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'"
                )
    if (csi := spec.get("csi")) is not None:
        _csi(errors, csi, "spec.csi")
    if (nfs := spec.get("nfs")) is not None:
        nfs_source(errors, nfs, "spec.nfs")
    if (local := spec.get("local")) is not None:
        if not local.get("path"):
            errors.required("spec.local.path")
        if spec.get("nodeAffinity") is None:
            errors.required("spec.nodeAffinity", "Local volume requires node affinity")


_SECRETS = ("controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef")


def _csi(errors: Errors, source: Object, path: str) -> None:
    driver_name(errors, source.get("driver"), f"{path}.driver")
    if not source.get("volumeHandle"):
        errors.required(f"{path}.volumeHandle")
    for key in _SECRETS:
        if (secret := source.get(key)) is not None:
            for part in ("name", "namespace"):
                if not secret.get(part):
                    errors.required(f"{path}.{key}.{part}")


def _sources(spec: Object) -> Object:
    return {key: value for key, value in spec.items() if key not in NOT_SOURCES}


def update_volume(errors: Errors, new: Object, old: Object) -> None:
    volume(errors, new)
    after, before = new.get("spec") or {}, old.get("spec") or {}
    for key in sorted((after.keys() | before.keys()) - NOT_SOURCES):
        if not same(after.get(key), before.get(key)):
            changes = difference(_sources(before), _sources(after), type="core.PersistentVolumeSource")
            text = f"spec.persistentvolumesource is immutable after creation\n{changes}"
            errors.forbidden("spec.persistentvolumesource", text)
            break
    immutable(errors, after.get("volumeMode"), before.get("volumeMode"), "volumeMode")
    if before.get("nodeAffinity") is not None and not same(after.get("nodeAffinity"), before["nodeAffinity"]):
        text = "field is immutable, except for updating from beta label to GA"
        errors.invalid("spec.nodeAffinity", after.get("nodeAffinity"), text)


def claim_status(errors: Errors, new: Object, old: Object) -> None:
    for key in ("capacity", "allocatedResources"):
        for name, value in ((new.get("status") or {}).get(key) or {}).items():
            quantity_value(errors, name, value, f"status.{key}[{name}]")


CLAIMS = Rules(create=claim, update=update_claim, status=claim_status)
VOLUMES = Rules(create=volume, update=update_volume)
