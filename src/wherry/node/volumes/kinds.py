"""The table of volume kinds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from wherry.api.types import Object
from wherry.node.volumes import claim, config_map, downward_api, empty_dir, host_path, projected, secret
from wherry.node.volumes.context import Payload, VolumeContext

PayloadKind = Callable[[VolumeContext], Awaitable[tuple[Payload, float | None]]]
"""Gives the files and when they want to be refreshed (wall clock; None: only when something changes)."""

PathKind = Callable[[VolumeContext], Awaitable[Path]]
"""Makes the volume and gives its path; may be called again."""

PAYLOADS: dict[str, PayloadKind] = {
    "configMap": config_map.payload,
    "secret": secret.payload,
    "downwardAPI": downward_api.payload,
    "projected": projected.payload,
}

PATHS: dict[str, PathKind] = {
    "emptyDir": empty_dir.set_up,
    "hostPath": host_path.set_up,
    "persistentVolumeClaim": claim.set_up,
    "ephemeral": claim.set_up,
}


def read_only(volume: Object) -> bool:
    """Whether containers see the volume read-only whatever their mount says: data from the API, and claims that ask."""
    return kind_of(volume) in PAYLOADS or bool((volume.get("persistentVolumeClaim") or {}).get("readOnly"))


def kind_of(volume: Object) -> str:
    """The source field of a volume; a volume without one is an emptyDir, as upstream's defaults say."""
    return next((key for key in volume if key != "name"), "emptyDir")
