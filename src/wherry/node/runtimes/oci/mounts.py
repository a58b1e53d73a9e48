"""The mounts of a container, its volumes after those that every container has. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wherry.node.runtimes.port import Container, Mount

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What has to be shown beside the container's own volumes."""

    shm: str
    """The pod's /dev/shm."""
    hostname_file: str
    host_submounts: Sequence[str] = ()
    """For `wherry.local/host`: directories of the machine that are file systems of their own."""


def mount_list(container: Container, facts: Facts) -> list[Json]:
    targets = {_clean(mount.target) for mount in container.mounts}
    standard = [
        mount for mount in _standard(facts, container.security.privileged) if mount["destination"] not in targets
    ]
    if "/etc/hostname" not in targets:
        standard.append(_bind(facts.hostname_file, "/etc/hostname", ["rbind", "rprivate"]))
    volumes = sorted(container.mounts, key=lambda mount: _clean(mount.target).count("/"))
    return standard + [_volume(mount) for mount in volumes]


def _standard(facts: Facts, privileged: bool) -> list[Json]:
    access = "rw" if privileged else "ro"
    flags = ["nosuid", "noexec", "nodev"]
    return [
        *(_bind(path, path, ["rbind", "ro", "rprivate"]) for path in facts.host_submounts),
        _special("/proc", "proc", flags),
        _special("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _special("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
        _special("/dev/mqueue", "mqueue", flags),
        _special("/sys", "sysfs", [*flags, access]),
        _special("/sys/fs/cgroup", "cgroup", [*flags, "relatime", access]),
        _bind(facts.shm, "/dev/shm", ["rbind", "rprivate", "nosuid", "noexec", "nodev"]),
    ]


def _special(target: str, kind: str, options: list[str]) -> Json:
    return {"destination": target, "type": kind, "source": kind, "options": options}


def _bind(source: str, target: str, options: list[str]) -> Json:
    return {"destination": target, "type": "bind", "source": source, "options": options}


def _volume(mount: Mount) -> Json:
    return _bind(mount.source, _clean(mount.target), ["rbind", mount.propagation, "ro" if mount.read_only else "rw"])


def _clean(target: str) -> str:
    return "/" + target.strip("/")


def rootfs_propagation(mounts: Sequence[Mount]) -> str:
    """As containerd: the root is as open as the most open volume needs."""
    kinds = {mount.propagation for mount in mounts}
    if kinds & {"rshared", "shared"}:
        return "rshared"
    return "rslave" if kinds & {"rslave", "slave"} else "rprivate"
