"""Volume mounts and block devices of a container. Source: `ValidateVolumeMounts`, `ValidateVolumeDevices`."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import descending_path

_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_RECURSIVE = ("Disabled", "Enabled", "IfPossible")


def mounts(errors: Errors, container: Object, found: list[Object], volumes: dict[str, Object], path: str) -> None:
    blocks = container.get("volumeDevices") or ()
    device_names = {device.get("name") for device in blocks}
    device_paths = {device.get("devicePath") for device in blocks}
    seen: set[str] = set()
    for i, mount in enumerate(found):
        name, target = mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            errors.required(f"{path}[{i}].name")
        if name not in volumes:
            errors.not_found(f"{path}[{i}].name", name)
        if not target:
            errors.required(f"{path}[{i}].mountPath")
        if target in seen:
            errors.invalid(f"{path}[{i}].mountPath", target, "must be unique")
        seen.add(target)
        if name in device_names:
            errors.invalid(f"{path}[{i}].name", name, "must not already exist in volumeDevices")
        if target in device_paths:
            text = "must not already exist as a path in volumeDevices"
            errors.invalid(f"{path}[{i}].mountPath", target, text)
        _options(errors, mount, container, path, f"{path}[{i}]")


def _options(errors: Errors, mount: Object, container: Object, path: str, where: str) -> None:
    # Upstream names the list, not the entry, in most of these paths.
    sub, expression = mount.get("subPath"), mount.get("subPathExpr")
    if sub:
        descending_path(errors, sub, f"{path}.subPath")
    if expression:
        if sub:
            errors.invalid(f"{where}.subPathExpr", expression, "subPathExpr and subPath are mutually exclusive")
        descending_path(errors, expression, f"{path}.subPathExpr")
    propagation = mount.get("mountPropagation")
    if propagation is not None:
        if propagation not in _PROPAGATIONS:
            errors.not_supported(f"{path}.mountPropagation", propagation, _PROPAGATIONS)
        elif propagation == "Bidirectional" and not (container.get("securityContext") or {}).get("privileged"):
            text = "Bidirectional mount propagation is available only to privileged containers"
            errors.forbidden(f"{path}.mountPropagation", text)
    if (recursive := mount.get("recursiveReadOnly")) is not None:
        _recursive(errors, mount, recursive, propagation, f"{path}.recursiveReadOnly")


def _recursive(errors: Errors, mount: Object, mode: str, propagation: str | None, path: str) -> None:
    if mode not in _RECURSIVE:
        errors.not_supported(path, mode, _RECURSIVE)
    elif mode != "Disabled":
        if not mount.get("readOnly"):
            errors.forbidden(path, "may only be specified when readOnly is true")
        if propagation not in (None, "None"):
            errors.forbidden(path, "may only be specified when mountPropagation is None or not specified")


def devices(errors: Errors, container: Object, found: list[Object], volumes: dict[str, Object], path: str) -> None:
    mounted = container.get("volumeMounts") or ()
    mount_names = {mount.get("name") for mount in mounted}
    mount_paths = {mount.get("mountPath") for mount in mounted}
    seen_names: set[str] = set()
    seen_paths: set[str] = set()
    for i, device in enumerate(found):
        name, target, where = device.get("name") or "", device.get("devicePath") or "", f"{path}[{i}]"
        if not name:
            errors.required(f"{where}.name")
        if name in seen_names:
            errors.invalid(f"{where}.name", name, "must be unique")
        _device_source(errors, name, volumes, where)
        if not target:
            errors.required(f"{where}.devicePath")
        if target in seen_paths:
            errors.invalid(f"{where}.devicePath", target, "must be unique")
        if ".." in target.split("/"):
            errors.invalid(f"{where}.devicePath", target, "can not contain backsteps ('..')")
        else:
            seen_paths.add(target)
        if name in mount_names:
            errors.invalid(f"{where}.name", name, "must not already exist in volumeMounts")
        if target in mount_paths:
            errors.invalid(f"{where}.devicePath", target, "must not already exist as a path in volumeMounts")
        if name:
            seen_names.add(name)


def _device_source(errors: Errors, name: str, volumes: dict[str, Object], path: str) -> None:
    source = volumes.get(name)
    if source is None:
        errors.not_found(f"{path}.name", name)
    elif source.get("persistentVolumeClaim") is None and source.get("ephemeral") is None:
        text = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
        errors.invalid(f"{path}.name", name, text)
