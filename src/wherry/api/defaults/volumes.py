"""Defaults of a pod's volumes: file modes, the types left open, and emptyDir where no source is named.

Source: `SetDefaults_Volume` and the `*VolumeSource` defaults in pkg/apis/core/v1/defaults.go.
"""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.defaults import quantities
from wherry.api.defaults.containers import pull_policy, value_source
from wherry.api.types import Object

FILE_MODE = 0o644


def volume(found: Object) -> None:
    """One entry of `spec.volumes`."""
    named = False
    for key, source in tuple(found.items()):
        if key == "name" or source is None:
            continue
        named = True
        if default := _SOURCES.get(key):
            default(source)
    if not named:
        found["emptyDir"] = {}


def _mode(source: Object) -> None:
    if source.get("defaultMode") is None:
        source["defaultMode"] = FILE_MODE


def _downward(source: Object) -> None:
    _mode(source)
    for item in source.get("items") or ():
        value_source(item)


def _projected(source: Object) -> None:
    _mode(source)
    for part in source.get("sources") or ():
        if (token := part.get("serviceAccountToken")) is not None and token.get("expirationSeconds") is None:
            token["expirationSeconds"] = 3600
        for item in (part.get("downwardAPI") or {}).get("items") or ():
            value_source(item)


def _host_path(source: Object) -> None:
    if source.get("type") is None:
        source["type"] = ""


def _image(source: Object) -> None:
    if not source.get("pullPolicy"):
        source["pullPolicy"] = pull_policy(source.get("reference") or "")


def _empty_dir(source: Object) -> None:
    quantities.field(source, "sizeLimit")


def _ephemeral(source: Object) -> None:
    template = source.get("volumeClaimTemplate")
    if template is not None:
        claim_spec(template.setdefault("spec", {}))


def claim_spec(spec: Object) -> None:
    """The spec of a persistent volume claim, also inside templates."""
    if spec.get("volumeMode") is None:
        spec["volumeMode"] = "Filesystem"
    resources = spec.setdefault("resources", {})
    for key in ("limits", "requests"):
        if found := (resources or {}).get(key):
            quantities.resource_list(found)


def _plain(**values: object) -> Callable[[Object], None]:
    def fill(source: Object) -> None:
        for key, value in values.items():
            if source.get(key) in (None, ""):
                source[key] = value

    return fill


_SOURCES: dict[str, Callable[[Object], None]] = {
    "configMap": _mode,
    "secret": _mode,
    "downwardAPI": _downward,
    "projected": _projected,
    "hostPath": _host_path,
    "emptyDir": _empty_dir,
    "image": _image,
    "ephemeral": _ephemeral,
    "iscsi": _plain(iscsiInterface="default"),
    "rbd": _plain(pool="rbd", user="admin", keyring="/etc/ceph/keyring"),
    "azureDisk": _plain(cachingMode="ReadWrite", fsType="ext4", readOnly=False, kind="Shared"),
    "scaleIO": _plain(storageMode="ThinProvisioned", fsType="xfs"),
}


def persistent_source(spec: Object) -> None:
    """The volume source inside a persistent volume's spec."""
    for key in ("hostPath", "iscsi", "rbd", "azureDisk", "scaleIO"):
        if source := spec.get(key):
            _SOURCES[key](source)
