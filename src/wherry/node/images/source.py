"""Where an image comes from: a directory or a tar archive, seen as files by name.

A compressed archive is unpacked to a plain one first, because layers are not stored in the order in which they are needed.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from wherry.node.images.compression import decompressed, is_compressed
from wherry.node.runtimes.port import ImageInvalid

_LINKS = 8


class Source(Protocol):
    """Files by name."""

    def open(self, name: str) -> IO[bytes] | None:
        """None when there is no such file."""


class DirectorySource:
    """An OCI layout, or an unpacked docker archive, in a directory. Names that lead out of it do not exist."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def open(self, name: str) -> IO[bytes] | None:
        path = (self._root / name).resolve()
        return path.open("rb") if path.is_file() and path.is_relative_to(self._root) else None


class TarSource:
    """A tar archive with its table of contents in memory."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._members = {_clean(member.name): member for member in archive}

    def open(self, name: str) -> IO[bytes] | None:
        """Old docker archives have links from one layer's file to another's."""
        member = self._members.get(_clean(name))
        for _ in range(_LINKS):
            if member is None or not (member.issym() or member.islnk()):
                break
            folder = "" if member.islnk() else member.name.rpartition("/")[0]
            member = self._members.get(_clean(_join(folder, member.linkname)))
        return self._archive.extractfile(member) if member is not None and member.isfile() else None


def _clean(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _join(folder: str, link: str) -> str:
    parts = [part for part in folder.split("/") if part]
    for part in link.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


@contextmanager
def open_source(path: Path, scratch: Path) -> Iterator[Source]:
    """Open an image's directory or archive; `scratch` is where a compressed one is unpacked. Raises `ImageInvalid`."""
    try:
        if path.is_dir():
            yield DirectorySource(path)
            return
        with path.open("rb") as raw, tempfile.TemporaryFile(dir=scratch) as plain:
            archive: IO[bytes] = raw
            if is_compressed(raw):
                shutil.copyfileobj(decompressed(raw), plain, 1 << 20)
                plain.seek(0)
                archive = plain
            with tarfile.open(fileobj=archive, mode="r:") as tar:
                yield TarSource(tar)
    except FileNotFoundError as error:
        raise ImageInvalid(f"{path} does not exist") from error
    except (tarfile.TarError, EOFError) as error:
        raise ImageInvalid(f"{path} is not an image archive, or it is cut off: {error}") from error
