"""A directory of files that changes in one step.

The files stand in a time-stamped directory; `..data` is a symbolic link to it, and every visible name a link through
`..data`. Renaming a new link over `..data` changes all files at once: a reader sees the old set or the new one, never
half of each. Nothing is written when nothing changed. Source: kubelet's AtomicWriter.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from pathlib import Path

from wherry.node.volumes.context import File, Payload, VolumeProblem

DATA = "..data"


def write(directory: Path, payload: Payload, *, group: int | None = None, now: float = 0.0) -> bool:
    """Make the directory show exactly the payload. True if something changed. Raises `VolumeProblem`."""
    for path in payload:
        _check(path)
    directory.mkdir(parents=True, exist_ok=True)
    current = _current(directory)
    if current is not None and _same(current, payload):
        return False
    stamp = time.strftime("..%Y_%m_%d_%H_%M_%S", time.gmtime(now))
    fresh = directory / f"{stamp}.{secrets.randbelow(10**10)}"
    _write_files(fresh, payload, group)
    _point(directory / DATA, fresh.name)
    _show(directory, payload)
    if current is not None:
        shutil.rmtree(current, ignore_errors=True)
    return True


def _check(path: str) -> None:
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or parts[0].startswith("..") or not path:
        raise VolumeProblem(f"invalid path {path!r}: it must be relative and must not contain or start with '..'")


def _current(directory: Path) -> Path | None:
    try:
        return directory / os.readlink(directory / DATA)
    except OSError:
        return None


def _same(current: Path, payload: Payload) -> bool:
    found = {str(path.relative_to(current)) for path in current.rglob("*") if path.is_file()}
    if found != set(payload):
        return False
    return all(_file_same(current / name, file) for name, file in payload.items())


def _file_same(path: Path, file: File) -> bool:
    try:
        return path.read_bytes() == file.data and path.stat().st_mode & 0o777 == file.mode & 0o777
    except OSError:
        return False


def _write_files(fresh: Path, payload: Payload, group: int | None) -> None:
    fresh.mkdir(mode=0o755)
    fresh.chmod(0o755)
    for name, file in payload.items():
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
        if (file.owner is not None or group is not None) and os.geteuid() == 0:
            os.chown(path, -1 if file.owner is None else file.owner, -1 if group is None else group)
        path.chmod(file.mode)


def _point(link: Path, target: str) -> None:
    temporary = link.with_name(f"{link.name}_tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)


def _show(directory: Path, payload: Payload) -> None:
    """A link for each name at the top, and none for names that are gone."""
    names = {path.split("/")[0] for path in payload}
    for name in names:
        link = directory / name
        if not link.is_symlink():
            link.symlink_to(f"{DATA}/{name}")
    for entry in directory.iterdir():
        if entry.is_symlink() and entry.name not in names and not entry.name.startswith(".."):
            entry.unlink()
