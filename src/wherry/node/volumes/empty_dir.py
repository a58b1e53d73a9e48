"""emptyDir: a directory that lives as long as its pod; with medium Memory a tmpfs, where the agent may mount one."""

from __future__ import annotations

import os
from pathlib import Path

from wherry.machinery.quantity import parse_value
from wherry.node.volumes import mount_calls
from wherry.node.volumes.context import VolumeContext, VolumeProblem
from wherry.node.volumes.ownership import give_to_group


async def set_up(context: VolumeContext) -> Path:
    source, directory = context.volume["emptyDir"] or {}, context.directory
    in_memory = source.get("medium") == "Memory" and os.geteuid() == 0
    if directory.is_dir() and (not in_memory or directory.is_mount()):
        return directory
    directory.mkdir(parents=True, exist_ok=True)
    if in_memory:
        limit = source.get("sizeLimit")
        size = f"size={parse_value(limit)}" if limit else ""
        try:
            mount_calls.mount("tmpfs", directory, "tmpfs", options=size)
        except OSError as error:
            directory.rmdir()
            raise VolumeProblem(f"cannot mount a tmpfs of {size or 'any size'}: {error.strerror}") from error
    directory.chmod(0o777)
    give_to_group(directory, context.group)
    return directory
