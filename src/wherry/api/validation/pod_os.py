"""What a pod may not ask for on the operating system that it names. Source: `validateOS`, `validateWindows`, `validateLinux`."""

from __future__ import annotations

from collections.abc import Iterator

from wherry.api.types import Object
from wherry.api.validation.errors import Errors

_NOT_WINDOWS = "cannot be set for a windows pod"
_NOT_LINUX = "windows options cannot be set for a linux pod"
_OF_POD = (
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls", "runAsUser",
    "runAsGroup", "supplementalGroups", "supplementalGroupsPolicy",
)  # fmt: skip
_OF_SPEC = ("hostPID", "hostIPC", "hostUsers", "shareProcessNamespace")
_OF_CONTAINER = (
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged",
    "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
)  # fmt: skip


def operating_system(errors: Errors, spec: Object, path: str) -> None:
    """The name, and what does not go with it."""
    name = (spec.get("os") or {}).get("name")
    if not name:
        errors.required(f"{path}.os.name", "cannot be empty")
    elif name == "windows":
        _windows(errors, spec, path)
    elif name == "linux":
        _linux(errors, spec, path)
    else:
        errors.not_supported(f"{path}.os", name, ("linux", "windows"))


def _windows(errors: Errors, spec: Object, path: str) -> None:
    if spec.get("resources"):
        errors.forbidden(f"{path}.resources", "may not be set for a windows pod")
    context = spec.get("securityContext") or {}
    for key in _OF_POD:
        if _is_set(context.get(key)):
            errors.forbidden(f"{path}.securityContext.{key}", _NOT_WINDOWS)
    for key in _OF_SPEC:
        if spec.get(key) or (key in ("hostUsers", "shareProcessNamespace") and spec.get(key) is not None):
            errors.forbidden(f"{path}.{key}", _NOT_WINDOWS)
    for where, container in _containers(spec, path):
        own = container.get("securityContext") or {}
        for key in _OF_CONTAINER:
            if own.get(key) is not None:
                errors.forbidden(f"{where}.securityContext.{key}", _NOT_WINDOWS)


def _linux(errors: Errors, spec: Object, path: str) -> None:
    holders = [(path, spec), *_containers(spec, path)]
    for where, holder in holders:
        if (holder.get("securityContext") or {}).get("windowsOptions") is not None:
            errors.forbidden(f"{where}.securityContext.windowsOptions", _NOT_LINUX)


def _is_set(value: object) -> bool:
    return value is not None and value != []


def _containers(spec: Object, path: str) -> Iterator[tuple[str, Object]]:
    for key in ("containers", "initContainers", "ephemeralContainers"):
        for i, container in enumerate(spec.get(key) or ()):
            yield f"{path}.{key}[{i}]", container
