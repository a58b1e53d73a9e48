"""The volumes of a pod, of a pod's template, and the source of a persistent volume."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wherry.api.types import Object
from wherry.cli.describing.words import go
from wherry.cli.describing.writer import Writer

Rows = list[tuple[str, Any]]


def volumes(out: Writer, found: Sequence[Object], *, space: str = "") -> None:
    out.line(f"{space}Volumes:" if found else f"{space}Volumes:\t<none>")
    for volume in found:
        out.line(f"{' ' if space else ''}{volume['name']}:", 1)
        source(out, volume)


def source(out: Writer, volume: Mapping[str, Any]) -> None:
    """The one source that a volume has."""
    for kind, rows in _KINDS.items():
        if volume.get(kind) is not None:
            out.fields(rows(volume[kind]), 2)
            if kind == "downwardAPI":
                _downward_items(out, volume[kind])
            return
    kind = next((key for key, value in volume.items() if isinstance(value, dict) and key != "name"), "")
    if not kind:
        out.line("<unknown>", 1)
        return
    out.field("Type", kind[:1].upper() + kind[1:], 2)
    out.fields(((_title(key), _plain(value)) for key, value in volume[kind].items()), 2)


def _title(key: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "", key[:1].upper() + key[1:])


def _plain(value: Any) -> str:
    return go(value) if isinstance(value, bool) else str(value)


def _host_path(found: Object) -> Rows:
    kind = found.get("type")
    return [
        ("Type", "HostPath (bare host directory volume)"),
        ("Path", found["path"]),
        ("HostPathType", "<none>" if kind is None else kind),
    ]


def _empty_dir(found: Object) -> Rows:
    limit = found.get("sizeLimit")
    return [
        ("Type", "EmptyDir (a temporary directory that shares a pod's lifetime)"),
        ("Medium", found.get("medium", "")),
        ("SizeLimit", limit if limit not in (None, "0") else "<unset>"),
    ]


def _secret(found: Object) -> Rows:
    return [
        ("Type", "Secret (a volume populated by a Secret)"),
        ("SecretName", found.get("secretName", "")),
        ("Optional", go(found.get("optional"))),
    ]


def _config_map(found: Object) -> Rows:
    return [
        ("Type", "ConfigMap (a volume populated by a ConfigMap)"),
        ("Name", found.get("name", "")),
        ("Optional", go(found.get("optional"))),
    ]


def _projected(found: Object) -> Rows:
    rows: Rows = [("Type", "Projected (a volume that contains injected data from multiple sources)")]
    for one in found.get("sources") or ():
        if (secret := one.get("secret")) is not None:
            rows += [("SecretName", secret.get("name", "")), ("SecretOptionalName", _pointer(secret))]
        elif one.get("downwardAPI") is not None:
            rows.append(("DownwardAPI", "true"))
        elif (config := one.get("configMap")) is not None:
            rows += [("ConfigMapName", config.get("name", "")), ("ConfigMapOptional", _pointer(config))]
        elif (token := one.get("serviceAccountToken")) is not None:
            rows.append(("TokenExpirationSeconds", token.get("expirationSeconds", 0)))
    return rows


def _pointer(found: Object) -> str:
    return go(found["optional"]) if "optional" in found else "<nil>"


def _downward(found: Object) -> Rows:
    return [("Type", "DownwardAPI (a volume populated by information about the pod)")]


def _downward_items(out: Writer, found: Object) -> None:
    out.line("Items:", 2)
    for item in found.get("items") or ():
        reference = item.get("fieldRef") or {}
        what = reference.get("fieldPath") or (item.get("resourceFieldRef") or {}).get("resource", "")
        out.line(f"{what} -> {item['path']}", 3)


def _claim(found: Object) -> Rows:
    return [
        ("Type", "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)"),
        ("ClaimName", found["claimName"]),
        ("ReadOnly", go(found.get("readOnly"))),
    ]


def _nfs(found: Object) -> Rows:
    return [
        ("Type", "NFS (an NFS mount that lasts the lifetime of a pod)"),
        ("Server", found["server"]),
        ("Path", found["path"]),
        ("ReadOnly", go(found.get("readOnly"))),
    ]


def _local(found: Object) -> Rows:
    return [("Type", "LocalVolume (a persistent volume backed by local storage on a node)"), ("Path", found["path"])]


def _csi(found: Object) -> Rows:
    rows: Rows = [
        ("Type", "CSI (a Container Storage Interface (CSI) volume source)"),
        ("Driver", found["driver"]),
        ("FSType", found.get("fsType") or ""),
    ]
    if "volumeHandle" in found:
        rows.append(("VolumeHandle", found["volumeHandle"]))
    rows.append(("ReadOnly", go(found.get("readOnly"))))
    attributes = found.get("volumeAttributes") or {}
    first = [f"{key}={value}" for key, value in sorted(attributes.items())]
    return [*rows, ("VolumeAttributes", "\n\t".join([f"    {text}" for text in first]) or "<none>")]


_KINDS: Mapping[str, Callable[[Object], Rows]] = {
    "hostPath": _host_path,
    "emptyDir": _empty_dir,
    "secret": _secret,
    "configMap": _config_map,
    "projected": _projected,
    "downwardAPI": _downward,
    "persistentVolumeClaim": _claim,
    "nfs": _nfs,
    "local": _local,
    "csi": _csi,
}
