"""Security contexts of pods and containers. Source: `ValidateSecurityContext`, `validatePodSpecSecurityContext`."""

from __future__ import annotations

import re
from typing import Any

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.api.validation.fields import descending_path
from wherry.machinery import names

_MAX_ID = 0xFFFFFFFF
_PROFILE_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
_SYSCTL_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = rf"({_SYSCTL_SEGMENT}[\./])*{_SYSCTL_SEGMENT}"
_is_sysctl = re.compile(_SYSCTL).fullmatch
_IPC_SYSCTLS = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")
_WHITESPACE = "must not be padded with whitespace"


def identity(errors: Errors, value: Any, path: str) -> None:
    """A user or group number."""
    if value is not None and not 0 <= value <= _MAX_ID:
        errors.invalid(path, value, names.between(0, _MAX_ID))


def container_security(errors: Errors, context: Object, path: str, *, host_users: bool) -> None:
    identity(errors, context.get("runAsUser"), f"{path}.runAsUser")
    identity(errors, context.get("runAsGroup"), f"{path}.runAsGroup")
    if (mount := context.get("procMount")) is not None:
        if mount not in ("Default", "Unmasked"):
            errors.not_supported(f"{path}.procMount", mount, ("Default", "Unmasked"))
        if host_users and mount == "Unmasked":
            errors.invalid(f"{path}.procMount", mount, "`hostUsers` must be false to use `Unmasked`")
    profiles(errors, context, path)
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            text = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            errors.invalid(path, context, text)
        if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
            text = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            errors.invalid(path, context, text)


def profiles(errors: Errors, context: Object, path: str) -> None:
    """Seccomp and AppArmor, of a pod or a container."""
    if (profile := context.get("seccompProfile")) is not None:
        _seccomp(errors, profile, f"{path}.seccompProfile")
    if (profile := context.get("appArmorProfile")) is not None:
        _app_armor(errors, profile, f"{path}.appArmorProfile")


def _seccomp(errors: Errors, profile: Object, path: str) -> None:
    kind, local = profile.get("type"), profile.get("localhostProfile")
    if not kind:
        errors.required(f"{path}.type", "type is required when seccompProfile is set")
    elif kind not in _PROFILE_TYPES:
        errors.not_supported(f"{path}.type", kind, _PROFILE_TYPES)
    if kind == "Localhost":
        if local is None:
            errors.required(f"{path}.localhostProfile", "must be set when seccomp type is Localhost")
        else:
            descending_path(errors, local, f"{path}.localhostProfile")
    elif local is not None:
        errors.invalid(f"{path}.localhostProfile", profile, "can only be set when seccomp type is Localhost")


def _app_armor(errors: Errors, profile: Object, path: str) -> None:
    kind, local, where = profile.get("type"), profile.get("localhostProfile"), f"{path}.localhostProfile"
    if not kind:
        errors.required(f"{path}.type", "type is required when appArmorProfile is set")
    elif kind not in _PROFILE_TYPES:
        errors.not_supported(f"{path}.type", kind, _PROFILE_TYPES)
    elif kind != "Localhost":
        if local is not None:
            errors.invalid(where, local, "can only be set when AppArmor type is Localhost")
    elif local is None or not local:
        errors.required(where, "must be set when AppArmor type is Localhost")
    elif local != local.strip():
        errors.invalid(where, local, _WHITESPACE)
    elif len(local) > 4095:
        errors.too_long(where, 4095)


def pod_security(errors: Errors, context: Object, spec: Object, path: str) -> None:
    identity(errors, context.get("fsGroup"), f"{path}.fsGroup")
    identity(errors, context.get("runAsUser"), f"{path}.runAsUser")
    identity(errors, context.get("runAsGroup"), f"{path}.runAsGroup")
    for i, group in enumerate(context.get("supplementalGroups") or ()):
        identity(errors, group, f"{path}.supplementalGroups[{i}]")
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        text = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.invalid(f"{path}.shareProcessNamespace", True, text)
    if sysctls := context.get("sysctls"):
        _sysctls(errors, sysctls, spec, f"{path}.sysctls")
    for key, known in _POLICIES:
        if (value := context.get(key)) is not None and value not in known:
            errors.not_supported(f"{path}.{key}", value, known)
    profiles(errors, context, path)


_POLICIES = (
    ("fsGroupChangePolicy", ("Always", "OnRootMismatch")),
    ("supplementalGroupsPolicy", ("Merge", "Strict")),
    ("seLinuxChangePolicy", ("MountOption", "Recursive")),
)


def _sysctls(errors: Errors, sysctls: list[Object], spec: Object, path: str) -> None:
    seen: set[str] = set()
    for i, sysctl in enumerate(sysctls):
        name, where = sysctl.get("name") or "", f"{path}[{i}].name"
        if not name:
            errors.required(where)
        elif len(name) > 253 or not _is_sysctl(name):
            errors.invalid(where, name, f"must have at most 253 characters and match regex ^{_SYSCTL}$")
        elif name in seen:
            errors.duplicate(where, name)
        seen.add(name)
        dotted = name.replace("/", ".")
        if spec.get("hostNetwork") and dotted.startswith("net."):
            errors.invalid(where, name, "may not be specified when 'hostNetwork' is true")
        elif spec.get("hostIPC") and dotted.startswith(_IPC_SYSCTLS):
            errors.invalid(where, name, "may not be specified when 'hostIPC' is true")
