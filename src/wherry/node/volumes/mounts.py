"""What a container sees: its volume mounts, and the files that every pod has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from wherry.api.types import Object
from wherry.node.pod.expansion import expand
from wherry.node.runtimes.port import Mount
from wherry.node.volumes.context import VolumeProblem
from wherry.node.volumes.pod_volumes import sub_path

_PROPAGATION = {"None": "rprivate", "HostToContainer": "rslave", "Bidirectional": "rshared"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFiles:
    """Paths on the machine of files that stand in every container of a pod; None leaves the image's."""

    hosts: Path | None = None
    hostname: Path | None = None
    resolver: Path | None = None

    def by_target(self) -> list[tuple[str, Path]]:
        pairs = (("/etc/hosts", self.hosts), ("/etc/hostname", self.hostname), ("/etc/resolv.conf", self.resolver))
        return [(target, path) for target, path in pairs if path is not None]


def of_container(
    container: Object,
    volumes: Mapping[str, Path],
    environment: Mapping[str, str],
    files: PodFiles,
    termination_log: Path | None,
    read_only: Collection[str] = (),
) -> tuple[Mount, ...]:
    """All mounts, shortest target first, so that one below another comes after it. `read_only` are names of volumes.

    Raises `VolumeProblem`.
    """
    mounts = [_volume_mount(mount, volumes, environment, read_only) for mount in container.get("volumeMounts") or ()]
    taken = {mount.target for mount in mounts}
    mounts += [Mount(source=str(path), target=target) for target, path in files.by_target() if target not in taken]
    if termination_log is not None:
        target = container.get("terminationMessagePath") or "/dev/termination-log"
        mounts.append(Mount(source=str(termination_log), target=target))
    return tuple(sorted(mounts, key=lambda mount: mount.target.count("/")))


def _volume_mount(
    mount: Object, volumes: Mapping[str, Path], environment: Mapping[str, str], read_only: Collection[str]
) -> Mount:
    name = mount["name"]
    if name not in volumes:
        raise VolumeProblem(f'cannot find volume "{name}" to mount into container')
    source = volumes[name]
    relative = mount.get("subPath") or expand(mount.get("subPathExpr") or "", environment)
    if relative:
        source = sub_path(source, relative)
    target = mount["mountPath"]
    return Mount(
        source=str(source),
        target=target if target.startswith("/") else f"/{target}",
        read_only=bool(mount.get("readOnly")) or name in read_only,
        propagation=_PROPAGATION[mount.get("mountPropagation") or "None"],
    )
