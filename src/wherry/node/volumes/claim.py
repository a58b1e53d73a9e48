"""persistentVolumeClaim and ephemeral: what the claim is bound to, where that is a path on this machine (hostPath, local)."""

from __future__ import annotations

from pathlib import Path

from wherry.api.errors import NotFound, StatusError
from wherry.api.types import Object
from wherry.client.client import Client
from wherry.node.volumes.context import VolumeContext, VolumeProblem
from wherry.node.volumes.host_path import checked
from wherry.node.volumes.ownership import give_to_group
from wherry.policy.volumes import facts


async def set_up(context: VolumeContext) -> Path:
    volume = context.claims[context.volume["name"]]
    spec, name = volume["spec"], volume["metadata"]["name"]
    if facts.mode_of(volume) == "Block":
        raise VolumeProblem(f'raw block volumes are not supported on this node (persistent volume "{name}")')
    if source := spec.get("hostPath"):
        return checked(Path(source["path"]), source.get("type") or "")
    if source := spec.get("local"):
        return _local(Path(source["path"]), context)
    kind = facts.source_of(volume)
    raise VolumeProblem(f'volumes of kind {kind} are not supported on this node (persistent volume "{name}")')


def _local(path: Path, context: VolumeContext) -> Path:
    if not path.is_dir():
        raise VolumeProblem(f'path "{path}" does not exist')
    give_to_group(path, context.group, spare_same=context.spares_same_group)
    return path


async def resolve(client: Client, pod: Object, volume: str, claim_name: str, own: bool) -> Object:
    """The PersistentVolume behind a pod's volume. Raises `VolumeProblem`, worded as the kubelet does."""
    namespace = pod["metadata"]["namespace"]
    try:
        return await _bound(client, pod, claim_name, own)
    except NotFound as error:
        problem = f"failed to fetch PVC from API server: {error}"
    except VolumeProblem as error:
        problem = str(error)
    except (StatusError, ConnectionError, OSError) as error:
        problem = f"failed to fetch PVC from API server: {error}"
    raise VolumeProblem(
        f"Unable to attach or mount volumes: unmounted volumes=[{volume}], unattached volumes=[], "
        f"failed to process volumes=[{volume}]: error processing PVC {namespace}/{claim_name}: {problem}"
    )


async def _bound(client: Client, pod: Object, name: str, own: bool) -> Object:
    claim = await client.get("persistentvolumeclaims", name, namespace=pod["metadata"]["namespace"])
    if own and not facts.is_made_for(claim, pod):
        raise VolumeProblem(facts.not_made_for(claim, pod))
    if claim["metadata"].get("deletionTimestamp") and facts.phase(pod) != "Running":
        raise VolumeProblem("PVC is being deleted")
    volume_name = claim["spec"].get("volumeName")
    if not volume_name or facts.phase(claim) != "Bound":
        raise VolumeProblem("PVC is not bound")
    volume = await client.get("persistentvolumes", volume_name)
    if not facts.is_bound_to(volume, claim):
        raise VolumeProblem(f"PV {volume_name} is bound to another PVC")
    return volume
