"""Volumes of a pod: exactly one source each, and the sources that people use.

Source: `ValidateVolumes`, `validateVolumeSource` and the source validators behind it.
"""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.types import Object
from wherry.api.validation.env import VOLUME_FIELDS, field_ref, resource_field_ref
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import file_mode, no_backsteps, non_reserved_path
from wherry.api.validation.resources import amount
from wherry.machinery import names

Source = Callable[[Errors, Object, str], None]

_ONE_TYPE = "may not specify more than 1 volume type"
_HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip


def volumes(errors: Errors, found: list[Object], pod_name: str, path: str) -> dict[str, Object]:
    """Check all; returns the good ones by name, which mounts may use. `pod_name` is empty in templates."""
    good: dict[str, Object] = {}
    created = {f"{pod_name}-{v.get('name')}" for v in found if pod_name and v.get("ephemeral") is not None}
    for i, volume in enumerate(found):
        where, name, before = f"{path}[{i}]", volume.get("name"), len(errors)
        _source(errors, volume, where)
        if not name:
            errors.required(f"{where}.name")
        elif messages := names.dns1123_label(name):
            errors.each(f"{where}.name", name, messages)
        if name in good:
            errors.duplicate(f"{where}.name", name)
        if len(errors) == before and name:
            good[name] = volume
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim and claim in created:
            text = "must not reference a PVC that gets created for an ephemeral volume"
            errors.invalid(f"{where}.persistentVolumeClaim.claimName", claim, text)
    return good


def _source(errors: Errors, volume: Object, path: str) -> None:
    given = [key for key, source in volume.items() if key != "name" and source is not None]
    if not given:
        errors.required(path, "must specify a volume type")
        return
    if len(given) > 1:
        given.sort(key=lambda key: _PLACES.get(key, len(_PLACES)))
        for key in given[1:]:
            errors.forbidden(f"{path}.{key}", _ONE_TYPE)
    if check := _SOURCES.get(given[0]):
        check(errors, volume[given[0]], f"{path}.{given[0]}")


def _empty_dir(errors: Errors, source: Object, path: str) -> None:
    limit = source.get("sizeLimit")
    if limit is not None:
        found = amount(errors, limit, f"{path}.sizeLimit")
        if found is not None and found.nanos < 0:
            errors.forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _host_path(errors: Errors, source: Object, path: str) -> None:
    target, kind = source.get("path"), source.get("type")
    if not target:
        errors.required(f"{path}.path")
        return
    no_backsteps(errors, target, f"{path}.path")
    if kind is not None and kind not in _HOST_PATH_TYPES:
        errors.not_supported(f"{path}.type", kind, _HOST_PATH_TYPES)


def _secret(errors: Errors, source: Object, path: str) -> None:
    _files(errors, source, "secretName", path)


def _config_map(errors: Errors, source: Object, path: str) -> None:
    _files(errors, source, "name", path)


def _files(errors: Errors, source: Object, name: str, path: str) -> None:
    if not source.get(name):
        errors.required(f"{path}.{name}")
    file_mode(errors, source, "defaultMode", path)
    for i, item in enumerate(source.get("items") or ()):
        _item(errors, item, f"{path}.items[{i}]")


def _item(errors: Errors, item: Object, path: str) -> None:
    target = item.get("path") or ""
    if not item.get("key"):
        errors.required(f"{path}.key")
    if not target:
        errors.required(f"{path}.path")
    non_reserved_path(errors, target, f"{path}.path")
    file_mode(errors, item, "mode", path)


def _downward(errors: Errors, source: Object, path: str) -> None:
    file_mode(errors, source, "defaultMode", path)
    for item in source.get("items") or ():
        _downward_file(errors, item, path)


def _downward_file(errors: Errors, item: Object, path: str) -> None:
    target = item.get("path") or ""
    if not target:
        errors.required(f"{path}.path")
    non_reserved_path(errors, target, f"{path}.path")
    field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
    if field is not None:
        field_ref(errors, field, VOLUME_FIELDS, f"{path}.fieldRef")
        if resource is not None:
            errors.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
    elif resource is not None:
        resource_field_ref(errors, resource, f"{path}.resourceFieldRef", volume=True)
    else:
        errors.required(path, "one of fieldRef and resourceFieldRef is required")
    file_mode(errors, item, "mode", path)


def _projected(errors: Errors, source: Object, path: str) -> None:
    file_mode(errors, source, "defaultMode", path)
    taken: set[str] = set()
    for i, part in enumerate(source.get("sources") or ()):
        where = f"{path}.sources[{i}]"
        given = [key for key, value in part.items() if value is not None]
        for key in given:
            if check := _PROJECTIONS.get(key):
                check(errors, part[key], f"{where}.{key}", path, taken)
        if len(given) > 1:
            errors.forbidden(where, "may not specify more than 1 volume type per source")


def _project_files(errors: Errors, source: Object, path: str, volume: str, taken: set[str]) -> None:
    if not source.get("name"):
        errors.required(f"{path}.name")
    for i, item in enumerate(source.get("items") or ()):
        _item(errors, item, f"{path}.items[{i}]")
        _take(errors, item.get("path") or "", source.get("name") or "", volume, taken)


def _project_downward(errors: Errors, source: Object, path: str, volume: str, taken: set[str]) -> None:
    for item in source.get("items") or ():
        _downward_file(errors, item, path)
        _take(errors, item.get("path") or "", item.get("path") or "", volume, taken)


def _project_token(errors: Errors, source: Object, path: str, volume: str, taken: set[str]) -> None:
    seconds, target = source.get("expirationSeconds") or 0, source.get("path")
    if seconds < 600:
        errors.invalid(f"{path}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
    if seconds > 1 << 32:
        text = "may not specify a duration larger than 2^32 seconds"
        errors.invalid(f"{path}.expirationSeconds", seconds, text)
    if not target:
        errors.required(f"{volume}.path")
    else:
        non_reserved_path(errors, target, f"{volume}.path")


def _take(errors: Errors, target: str, shown: str, volume: str, taken: set[str]) -> None:
    if target and target in taken:
        errors.invalid(volume, shown, "conflicting duplicate paths")
    taken.add(target)


def _claim(errors: Errors, source: Object, path: str) -> None:
    if not source.get("claimName"):
        errors.required(f"{path}.claimName")


def nfs_source(errors: Errors, source: Object, path: str) -> None:
    target = source.get("path") or ""
    if not source.get("server"):
        errors.required(f"{path}.server")
    if not target:
        errors.required(f"{path}.path")
    if not target.startswith("/"):
        errors.invalid(f"{path}.path", target, "must be an absolute path")


def _csi(errors: Errors, source: Object, path: str) -> None:
    driver = source.get("driver")
    if not driver:
        errors.required(f"{path}.driver")
        return
    if len(driver) > 63:
        errors.too_long(f"{path}.driver", 63)
    errors.each(f"{path}.driver", driver, names.dns1123_subdomain(driver.lower()))


def _ephemeral(errors: Errors, source: Object, path: str) -> None:
    if source.get("volumeClaimTemplate") is None:
        errors.required(f"{path}.volumeClaimTemplate")
        return
    from wherry.api.validation.storage import claim_spec

    claim_spec(errors, source["volumeClaimTemplate"].get("spec") or {}, f"{path}.volumeClaimTemplate.spec")


def _image(errors: Errors, source: Object, path: str) -> None:
    if not source.get("reference"):
        errors.required(f"{path}.reference")
    policy, known = source.get("pullPolicy"), ("Always", "IfNotPresent", "Never")
    if policy and policy not in known:
        errors.not_supported(f"{path}.pullPolicy", policy, known)


_SOURCES: dict[str, Source] = {
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "secret": _secret,
    "nfs": nfs_source,
    "persistentVolumeClaim": _claim,
    "downwardAPI": _downward,
    "configMap": _config_map,
    "projected": _projected,
    "csi": _csi,
    "ephemeral": _ephemeral,
    "image": _image,
}
_PLACES = {key: i for i, key in enumerate(_SOURCES)}
_PROJECTIONS: dict[str, Callable[[Errors, Object, str, str, set[str]], None]] = {
    "secret": _project_files,
    "configMap": _project_files,
    "downwardAPI": _project_downward,
    "serviceAccountToken": _project_token,
}
