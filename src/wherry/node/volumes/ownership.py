"""fsGroup: files and directories of a volume belong to the pod's group."""

from __future__ import annotations

import os
from pathlib import Path

_SET_GROUP_ID = 0o2000


def give_to_group(directory: Path, group: int | None, *, spare_same: bool = False) -> None:
    """The group may read and write, and new files inherit it. Nothing without a group, or without the right.

    With `spare_same` nothing where the directory itself is as it should be: large volumes take long.
    """
    if group is None or os.geteuid() != 0 or (spare_same and _is_given(directory, group)):
        return
    for parent, _, files in os.walk(directory):
        os.chown(parent, -1, group)
        os.chmod(parent, os.stat(parent).st_mode | 0o070 | _SET_GROUP_ID)
        for name in files:
            path = os.path.join(parent, name)
            os.chown(path, -1, group, follow_symlinks=False)
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode | 0o060)


def _is_given(directory: Path, group: int) -> bool:
    found = directory.stat()
    return found.st_gid == group and found.st_mode & (0o070 | _SET_GROUP_ID) == 0o070 | _SET_GROUP_ID
