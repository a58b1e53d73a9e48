"""What an API server is told of its audit log."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """When a file is full, and how many old ones are kept, for how long; 0 days or backups keep all."""

    megabytes: int = 100
    backups: int = 10
    days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOptions:
    """A policy, and where events go: a file, a service (the kubeconfig of it), or both."""

    policy: Path
    log: Path | None = None
    rotation: Rotation = field(default_factory=Rotation)
    webhook: Path | None = None
