"""What a volume kind is given, and how it fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from wherry.api.types import Object
from wherry.node.pod.fields import Identity
from wherry.node.pod.references import Lookup


class VolumeProblem(Exception):
    """A volume that cannot be made now; worded for the `FailedMount` event."""


class Token(NamedTuple):
    """A service account token and its end (wall clock)."""

    token: str
    issued: float
    expires: float


TokenSource = Callable[[Object, Object], Awaitable[Token]]
"""From a pod and a serviceAccountToken projection to a token; raises `VolumeProblem`."""


class File(NamedTuple):
    """One file of a payload."""

    data: bytes
    mode: int
    owner: int | None = None


Payload = dict[str, File]
"""By path below the volume's root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeContext:
    """One volume of one pod. `directory` is the volume's own; what is above it exists."""

    pod: Object
    volume: Object
    directory: Path
    lookup: Lookup
    identity: Identity
    tokens: TokenSource
    claims: Mapping[str, Object] = field(default_factory=dict)
    """PersistentVolumes by the name of the pod's volume, for those that are not set up yet."""

    @property
    def spares_same_group(self) -> bool:
        """Whether a volume whose root belongs to the group already is left alone (`fsGroupChangePolicy`)."""
        security = self.pod["spec"].get("securityContext") or {}
        return security.get("fsGroupChangePolicy") == "OnRootMismatch"

    @property
    def group(self) -> int | None:
        """The pod's fsGroup."""
        found = (self.pod["spec"].get("securityContext") or {}).get("fsGroup")
        return None if found is None else int(found)
