"""All volumes of one pod: set up before its containers, refreshed while it runs, removed when it is over.

What always holds: `set_up` may be repeated, also by a new agent over what an earlier one left; a volume that carries data
never shows half of a change.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from wherry.api.types import Object
from wherry.node.volumes import atomic_writer, kinds
from wherry.node.volumes.context import Token, TokenSource, VolumeContext, VolumeProblem

ContextMaker = Callable[[Object, Path, TokenSource], VolumeContext]
"""From a volume and its directory to its context."""


class PodVolumes:
    """`root` is the pod's own directory for volumes. `paths` are by volume name, after `set_up`."""

    def __init__(self, root: Path, tokens: TokenSource, now: Callable[[], float]) -> None:
        self.paths: dict[str, Path] = {}
        self._root = root
        self._tokens = tokens
        self._now = now
        self._cache: dict[tuple[str, str, int], Token] = {}

    async def set_up(self, pod: Object, make: ContextMaker) -> float | None:
        """Make or refresh every volume. Gives the time of the next refresh. Raises `VolumeProblem`."""
        due: list[float] = []
        for volume in pod["spec"].get("volumes") or ():
            refresh_at = await self._set_up_one(pod, volume, make)
            if refresh_at is not None:
                due.append(refresh_at)
        return min(due, default=None)

    async def _set_up_one(self, pod: Object, volume: Object, make: ContextMaker) -> float | None:
        name, kind = volume["name"], kinds.kind_of(volume)
        directory = self._root / f"{kind}~{name}"
        context = make(volume, directory, self._token)
        try:
            if (payload_kind := kinds.PAYLOADS.get(kind)) is not None:
                payload, refresh_at = await payload_kind(context)
                atomic_writer.write(directory, payload, group=context.group, now=self._now())
                self.paths[name] = directory
                return refresh_at
            if (path_kind := kinds.PATHS.get(kind)) is None:
                raise VolumeProblem(f"volumes of kind {kind} are not supported on this node")
            if name not in self.paths:
                self._root.mkdir(parents=True, exist_ok=True)
                self.paths[name] = await path_kind(context)
        except OSError as error:
            raise VolumeProblem(f'MountVolume.SetUp failed for volume "{name}" : {error}') from error
        except VolumeProblem as error:
            raise VolumeProblem(f'MountVolume.SetUp failed for volume "{name}" : {error}') from error
        return None

    async def _token(self, pod: Object, projection: Object) -> Token:
        """A token of this pod, the same one until it wants to be replaced."""
        key = (
            pod["spec"].get("serviceAccountName") or "default",
            projection.get("audience") or "",
            int(projection.get("expirationSeconds") or 3600),
        )
        found = self._cache.get(key)
        if found is None or self._now() >= found.issued + 0.8 * (found.expires - found.issued):
            found = self._cache[key] = await self._tokens(pod, projection)
        return found


def sub_path(root: Path, relative: str) -> Path:
    """A path below a volume, made if it is missing. Raises `VolumeProblem` where it would lead outside."""
    if relative.startswith("/") or ".." in relative.split("/"):
        raise VolumeProblem(f"subPath {relative!r} must be relative and must not contain '..'")
    wanted = root / relative
    resolved, base = Path(os.path.realpath(wanted)), Path(os.path.realpath(root))
    if base != resolved and base not in resolved.parents:
        raise VolumeProblem(f"subPath {relative!r} leads outside of its volume")
    if not resolved.exists():
        resolved.mkdir(parents=True, exist_ok=True)
        resolved.chmod(0o755)
    return resolved
