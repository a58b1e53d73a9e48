"""hostPath: a path of the machine itself, checked or made as its type says."""

from __future__ import annotations

import stat
from pathlib import Path

from wherry.node.volumes.context import VolumeContext, VolumeProblem

_CHECKS = {
    "Directory": (stat.S_ISDIR, "is not a directory"),
    "File": (stat.S_ISREG, "is not a file"),
    "Socket": (stat.S_ISSOCK, "is not a socket file"),
    "CharDevice": (stat.S_ISCHR, "is not a character device"),
    "BlockDevice": (stat.S_ISBLK, "is not a block device"),
}


async def set_up(context: VolumeContext) -> Path:
    source = context.volume["hostPath"]
    return checked(Path(source["path"]), source.get("type") or "")


def checked(path: Path, kind: str) -> Path:
    """Raises `VolumeProblem`, worded as the kubelet does."""
    if kind == "DirectoryOrCreate":
        if not path.exists():
            path.mkdir(mode=0o755, parents=True)
        kind = "Directory"
    elif kind == "FileOrCreate":
        if not path.exists():
            path.touch(mode=0o644)
        kind = "File"
    if not kind:
        if not path.exists():
            # Container engines make a missing source as a directory.
            path.mkdir(mode=0o755, parents=True)
        return path
    right_kind, complaint = _CHECKS[kind]
    try:
        mode = path.stat().st_mode
    except OSError:
        mode = 0
    if not right_kind(mode):
        raise VolumeProblem(f"hostPath type check failed: {path} {complaint}")
    return path
