"""Where the files of a pod stand on the node."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wherry.api.types import Object
from wherry.node.config import NodeConfig
from wherry.node.pod import spec


@dataclass(frozen=True, slots=True)
class PodPaths:
    """`logs` holds a directory per container with `<attempt>.log`; `files` all the rest."""

    logs: Path
    files: Path

    @classmethod
    def of(cls, config: NodeConfig, pod: Object) -> PodPaths:
        directory = f"{spec.namespace(pod)}_{spec.name(pod)}_{spec.uid(pod)}"
        return cls(config.logs_root / directory, config.files_root / spec.uid(pod))

    def log(self, container: str, attempt: int) -> Path:
        return self.logs / container / f"{attempt}.log"

    @property
    def volumes(self) -> Path:
        return self.files / "volumes"

    @property
    def hosts(self) -> Path:
        return self.files / "hosts"

    @property
    def hostname(self) -> Path:
        return self.files / "hostname"

    @property
    def resolver(self) -> Path:
        return self.files / "resolv.conf"

    def termination(self, container: str, attempt: int) -> Path:
        return self.files / "termination" / f"{container}.{attempt}"


def uid_of_log_directory(name: str) -> str:
    """The pod's uid from the name of its log directory."""
    return name.rpartition("_")[2]
