"""persistentVolumeClaim: what the claim is bound to, for volumes that are a path on this machine (hostPath, local)."""

from __future__ import annotations

from pathlib import Path

from wherry.node.volumes.context import VolumeContext, VolumeProblem
from wherry.node.volumes.host_path import checked
from wherry.node.volumes.ownership import give_to_group


async def set_up(context: VolumeContext) -> Path:
    name = context.volume["persistentVolumeClaim"]["claimName"]
    volume = context.claims.get(name)
    if volume is None:
        raise VolumeProblem(f'persistentvolumeclaim "{name}" is not bound')
    spec = volume["spec"]
    if source := spec.get("hostPath"):
        return checked(Path(source["path"]), source.get("type") or "")
    if source := spec.get("local"):
        path = checked(Path(source["path"]), "Directory")
        give_to_group(path, context.group)
        return path
    raise VolumeProblem(f'the kind of persistent volume "{volume["metadata"]["name"]}" is not supported on this node')
