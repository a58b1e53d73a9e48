"""Unpacking a layer's tar stream into a directory that overlayfs can use as a lower one.

What always holds: nothing is written outside of the directory, whatever names and links the archive carries: every path
is walked from the directory, and links are followed as if it were the root. Whiteouts become what overlayfs knows:
a character device 0/0, or the attribute `trusted.overlay.opaque`. Attributes `trusted.*` of the archive are dropped.
Source: "Layer Filesystem Changeset" of the OCI image specification; Documentation/filesystems/overlayfs.rst.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from collections.abc import Callable
from typing import IO

from wherry.node.runtimes.port import ImageInvalid

_WHITEOUT, _OPAQUE, _AUFS = ".wh.", ".wh..wh..opq", ".wh..wh."
_XATTR = "SCHILY.xattr."
_HOPS = 64


def unpack_layer(stream: IO[bytes], root: str) -> None:
    """Read the stream to its end and unpack it. Raises `ImageInvalid`, and `OSError` of the disk."""
    directories: list[tuple[str, float]] = []
    try:
        with tarfile.open(fileobj=stream, mode="r|", errorlevel=1) as archive:
            for member in archive:
                _unpack(archive, member, root, directories)
    except tarfile.TarError as error:
        raise ImageInvalid(f"a layer is damaged: {error}") from error
    for path, moment in reversed(directories):
        os.utime(path, (moment, moment))
    while stream.read(1 << 20):
        pass


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, root: str, directories: list[tuple[str, float]]) -> None:
    parts = [part for part in member.name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ImageInvalid(f"a layer has the path {member.name!r}, which leads out of it")
    if not parts:
        _finish(member, root, directories)
        return
    folder = inside(root, parts[:-1], make=True)
    name = parts[-1]
    if name.startswith(_WHITEOUT):
        _white_out(folder, name)
        return
    path = os.path.join(folder, name)
    _clear(path, keep_directory=member.isdir())
    make = _MAKERS.get(member.type)
    if make is None:
        if not member.isfile():
            raise ImageInvalid(f"a layer has {member.name!r} of the unknown kind {member.type!r}")
        make = _make_file
    make(archive, member, path, root)
    if not member.islnk():
        _finish(member, path, directories)


def inside(root: str, parts: list[str], *, make: bool = False) -> str:
    """The real directory for a path below `root`, with links followed as if `root` were `/`.

    With `make`, missing directories are made and files in the way replaced, as unpacking needs it.
    """
    pending = parts[::-1]
    done: list[str] = []
    hops = 0
    while pending:
        part = pending.pop()
        if part in ("", "."):
            continue
        if part == "..":
            done = done[:-1]
            continue
        path = os.path.join(root, *done, part)
        if os.path.islink(path):
            hops += 1
            if hops > _HOPS:
                raise ImageInvalid("a layer has links that lead in a circle")
            target = os.readlink(path)
            if target.startswith("/"):
                done = []
            pending.extend(reversed(target.split("/")))
            continue
        if make and not os.path.isdir(path):
            if os.path.lexists(path):
                os.unlink(path)
            os.mkdir(path, 0o755)
        done.append(part)
    return os.path.join(root, *done)


def _white_out(folder: str, name: str) -> None:
    if name == _OPAQUE:
        os.setxattr(folder, "trusted.overlay.opaque", b"y")
    elif not name.startswith(_AUFS):
        path = os.path.join(folder, name.removeprefix(_WHITEOUT))
        if os.path.basename(path) in ("", ".", ".."):
            raise ImageInvalid(f"a layer has the malformed whiteout {name!r}")
        if not os.path.lexists(path):
            os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))


def _clear(path: str, *, keep_directory: bool) -> None:
    if not os.path.lexists(path):
        return
    if os.path.isdir(path) and not os.path.islink(path):
        if not keep_directory:
            shutil.rmtree(path)
    else:
        os.unlink(path)


_Maker = Callable[[tarfile.TarFile, tarfile.TarInfo, str, str], None]


def _make_file(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str, root: str) -> None:
    content = archive.extractfile(member)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if content is not None:
            shutil.copyfileobj(content, file, 1 << 20)


def _make_directory(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str, root: str) -> None:
    if not os.path.isdir(path):
        os.mkdir(path, 0o755)


def _make_symlink(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str, root: str) -> None:
    os.symlink(member.linkname, path)


def _make_hard_link(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str, root: str) -> None:
    parts = [part for part in member.linkname.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise ImageInvalid(f"a layer has a hard link to {member.linkname!r}, which leads out of it")
    source = os.path.join(inside(root, parts[:-1]), parts[-1])
    if not os.path.lexists(source):
        raise ImageInvalid(f"a layer has a hard link to {member.linkname!r}, which is not in it")
    os.link(source, path, follow_symlinks=False)


def _make_node(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str, root: str) -> None:
    kind = {tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK}.get(member.type, stat.S_IFIFO)
    os.mknod(path, kind | 0o600, os.makedev(member.devmajor, member.devminor) if kind != stat.S_IFIFO else 0)


_MAKERS: dict[bytes, _Maker] = {
    tarfile.DIRTYPE: _make_directory,
    tarfile.SYMTYPE: _make_symlink,
    tarfile.LNKTYPE: _make_hard_link,
    tarfile.CHRTYPE: _make_node,
    tarfile.BLKTYPE: _make_node,
    tarfile.FIFOTYPE: _make_node,
}


def _finish(member: tarfile.TarInfo, path: str, directories: list[tuple[str, float]]) -> None:
    """Owner, attributes, mode, time: in this order, because each may undo the one before."""
    if os.geteuid() == 0:
        os.chown(path, member.uid, member.gid, follow_symlinks=False)
    for key, value in member.pax_headers.items():
        name = key.removeprefix(_XATTR)
        if key.startswith(_XATTR) and name.startswith(("user.", "security.capability")):
            os.setxattr(path, name, value.encode("utf-8", "surrogateescape"), follow_symlinks=False)
    if not member.issym():
        os.chmod(path, member.mode & 0o7777)
    if member.isdir():
        directories.append((path, member.mtime))
    else:
        os.utime(path, (member.mtime, member.mtime), follow_symlinks=False)
