"""The files that a cluster's API server is pointed at: `wherry up --config FILE`, section `apiServer`.

    apiVersion: wherry.dev/v1
    kind: ClusterConfiguration
    apiServer:
      authenticationConfig: authentication.yaml     # relative to this file
      auditPolicy: policy.yaml
      auditLog: audit.log

The names of the files are kept with the cluster, so that a later start uses them again; their contents are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wherry.distro.config import ConfigError

KIND, VERSION = "ClusterConfiguration", "wherry.dev/v1"
_FILES = frozenset(
    {
        "admissionConfig",
        "tokenFile",
        "authenticationConfig",
        "authenticationWebhook",
        "authorizationConfig",
        "auditPolicy",
        "auditLog",
        "auditWebhook",
        "encryptionConfig",
        "requestHeaderClientCA",
    }
)
_WRITTEN = frozenset({"auditLog"})
"""Files that need not be there: the server makes them."""
_NUMBERS = frozenset({"auditLogMaxSizeMegabytes", "auditLogMaxBackups", "auditLogMaxAgeDays"})
_TEXTS = frozenset({"requestHeaderAllowedNames"})


def read_config_file(path: Path) -> dict[str, str]:
    """The section's settings, with absolute paths. Raises `ConfigError`."""
    import yaml

    try:
        found = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"--config {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"--config {path}: not YAML: {error}") from error
    if not isinstance(found, dict) or (found.get("apiVersion"), found.get("kind")) != (VERSION, KIND):
        raise ConfigError(f"--config {path}: begin with `apiVersion: {VERSION}` and `kind: {KIND}`")
    if unknown := sorted(set(found) - {"apiVersion", "kind", "apiServer"}):
        raise ConfigError(f"--config {path}: unknown field {unknown[0]}: there is `apiServer`")
    section = found.get("apiServer") or {}
    if not isinstance(section, dict):
        raise ConfigError(f"--config {path}: apiServer must be an object")
    settings = {name: _setting(path, name, value) for name, value in section.items()}
    check_settings(settings, f"--config {path}")
    return settings


def _setting(path: Path, name: str, value: Any) -> str:
    where = f"--config {path}: apiServer.{name}"
    if name in _FILES and isinstance(value, str) and value:
        file = (path.resolve().parent / value).resolve()
        if name not in _WRITTEN and not file.is_file():
            raise ConfigError(f"{where}: there is no file {file}")
        return str(file)
    if name in _NUMBERS and type(value) is int and value >= 0:
        return str(value)
    if name in _TEXTS and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    if name in _FILES | _NUMBERS | _TEXTS:
        wanted = "the name of a file" if name in _FILES else "a number" if name in _NUMBERS else "a list of names"
        raise ConfigError(f"{where}: {wanted} is expected, not {value!r}")
    known = ", ".join(sorted(_FILES | _NUMBERS | _TEXTS))
    raise ConfigError(f"{where}: no such setting: there are {known}")


def check_settings(settings: Mapping[str, str], where: str) -> None:
    """Raises `ConfigError` for settings that do nothing without others."""
    if settings.get("auditPolicy") and not (settings.get("auditLog") or settings.get("auditWebhook")):
        raise ConfigError(f"{where}: auditPolicy needs auditLog or auditWebhook: where shall events go?")
    if (settings.get("auditLog") or settings.get("auditWebhook")) and not settings.get("auditPolicy"):
        raise ConfigError(f"{where}: auditLog and auditWebhook need auditPolicy: what shall be written down?")


def server_options(settings: Mapping[str, str]) -> dict[str, Any]:
    """What they are for `ServerConfig`."""
    options: dict[str, Any] = {
        option: Path(settings[name])
        for name, option in (
            ("tokenFile", "token_file"),
            ("authenticationConfig", "authentication_config"),
            ("authenticationWebhook", "authentication_webhook"),
            ("authorizationConfig", "authorization_config"),
        )
        if name in settings
    }
    if "auditPolicy" in settings:
        options["audit"] = _audit(settings)
    if "admissionConfig" in settings:
        from wherry.apiserver.admission.configuration import read_admission

        options["pod_security"] = read_admission(Path(settings["admissionConfig"]))
    if "requestHeaderClientCA" in settings:
        from wherry.apiserver.authentication.request_header import RequestHeaderOptions

        names = tuple(each for each in settings.get("requestHeaderAllowedNames", "").split(",") if each)
        options["request_header"] = RequestHeaderOptions(
            ca=Path(settings["requestHeaderClientCA"]), allowed_names=names
        )
    return options


def _audit(settings: Mapping[str, str]) -> Any:
    from wherry.apiserver.audit.options import AuditOptions, Rotation

    default = Rotation()
    rotation = Rotation(
        megabytes=int(settings.get("auditLogMaxSizeMegabytes", default.megabytes)),
        backups=int(settings.get("auditLogMaxBackups", default.backups)),
        days=int(settings.get("auditLogMaxAgeDays", default.days)),
    )
    return AuditOptions(
        policy=Path(settings["auditPolicy"]),
        log=Path(settings["auditLog"]) if "auditLog" in settings else None,
        rotation=rotation,
        webhook=Path(settings["auditWebhook"]) if "auditWebhook" in settings else None,
    )
