"""Who a container's process is: user and groups from the image's own files, as container runtimes resolve them. Pure
but for `UserDatabase.of_directory`.

Source: the OCI image specification (`config.User`) and containerd's oci.WithUser: `user`, `uid`, `user:group`, `uid:gid`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from wherry.node.runtimes.port import CreateFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A process's identity. `home` is what HOME becomes if nothing else says so."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/"


@dataclass(frozen=True, slots=True)
class UserDatabase:
    """/etc/passwd and /etc/group as lists of fields; malformed lines are left out."""

    users: tuple[tuple[str, int, int, str], ...] = ()
    """Name, uid, gid, home."""
    groups: tuple[tuple[str, int, tuple[str, ...]], ...] = ()
    """Name, gid, members."""

    @classmethod
    def parse(cls, passwd: str, group: str) -> UserDatabase:
        users = [
            (fields[0], int(fields[2]), int(fields[3]), fields[5])
            for fields in (line.split(":") for line in passwd.splitlines())
            if len(fields) >= 6 and fields[2].isdigit() and fields[3].isdigit()
        ]
        groups = [
            (fields[0], int(fields[2]), tuple(fields[3].split(",")) if fields[3] else ())
            for fields in (line.split(":") for line in group.splitlines())
            if len(fields) >= 4 and fields[2].isdigit()
        ]
        return cls(tuple(users), tuple(groups))

    @classmethod
    def of_directory(cls, root: Path) -> UserDatabase:
        """From a root file system; its symbolic links are not followed out of it: such files count as absent."""
        return cls.parse(_read_inside(root, "etc/passwd"), _read_inside(root, "etc/group"))


def _read_inside(root: Path, name: str) -> str:
    path = root / name
    try:
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(os.path.realpath(root)) or real.stat().st_size > 1 << 22:
            return ""
        return real.read_text(errors="replace")
    except OSError:
        return ""


def resolve_user(text: str, group: int | None, supplemental: tuple[int, ...], database: UserDatabase) -> User:
    """`text` is `user[:group]` by name or number, empty for root. Raises `CreateFailed` for unknown names."""
    name, _, group_name = text.partition(":")
    name = name or "0"
    entry = next((user for user in database.users if user[0] == name), None)
    if entry is None and name.isdigit():
        entry = next((user for user in database.users if user[1] == int(name)), (name, int(name), 0, "/"))
    if entry is None:
        raise CreateFailed(f"unable to find user {name}: no matching entries in passwd file")
    gid = _group_id(group_name, database) if group_name else entry[2]
    members = () if group_name else tuple(one[1] for one in database.groups if entry[0] in one[2])
    effective = gid if group is None else group
    groups = tuple(dict.fromkeys((effective, *members, *supplemental)))
    return User(uid=entry[1], gid=effective, groups=groups, home=entry[3] or "/")


def _group_id(name: str, database: UserDatabase) -> int:
    if name.isdigit():
        return int(name)
    for entry in database.groups:
        if entry[0] == name:
            return entry[1]
    raise CreateFailed(f"unable to find group {name}: no matching entries in group file")
