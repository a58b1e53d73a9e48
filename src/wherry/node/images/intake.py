"""Taking an archive's layers into a store, verified and on disk before anything may speak of them."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from wherry.base.failpoints import reach
from wherry.node.images.compression import DAMAGED, decompressed
from wherry.node.images.imported import Imported
from wherry.node.images.importer import read_images
from wherry.node.images.source import open_source
from wherry.node.images.unpack import unpack_layer
from wherry.node.runtimes.port import ImageInvalid, RuntimeFailure
from wherry.node.runtimes.shim import system

LayerPlace = Callable[[str], tuple[Path, Path]]
"""By diff id: where the tree belongs, and the short link to it."""


def take_in(path: Path, name: str, root: Path, place: LayerPlace) -> list[Imported]:
    """Unpack what is missing of the images in `path`. Raises `ImageInvalid`, `RuntimeFailure`."""
    try:
        with open_source(path, root) as source:
            found = list(read_images(source, name, _Layers(place)))
        if name and len(found) > 1:
            raise ImageInvalid(f"{path} has {len(found)} images; one name cannot be given to all of them")
        system.sync_filesystem(str(root))
    except DAMAGED as error:
        raise ImageInvalid(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise RuntimeFailure(f"cannot import {path}: {error.strerror or error}") from error
    reach("images.import.before-index")
    return found


class _Layers:
    """The store's layers as the importer needs them."""

    def __init__(self, place: LayerPlace) -> None:
        self._place = place

    def has(self, diff_id: str) -> bool:
        tree, link = self._place(diff_id)
        return tree.exists() and link.is_symlink()

    def add(self, diff_id: str, stream: IO[bytes]) -> None:
        tree, link = self._place(diff_id)
        _add_layer(tree, link, diff_id, stream)


def _add_layer(tree: Path, link: Path, diff_id: str, stream: IO[bytes]) -> None:
    if not tree.exists():
        temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=tree.parent))
        try:
            temporary.chmod(0o755)
            hashing = _Hashing(decompressed(stream))
            unpack_layer(hashing, str(temporary))  # type: ignore[arg-type]
            if (digest := f"sha256:{hashing.hasher.hexdigest()}") != diff_id:
                raise ImageInvalid(f"the layer {diff_id} is damaged: its content has the digest {digest}")
            reach("images.import.before-layer")
            temporary.rename(tree)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    if not link.is_symlink():
        link.symlink_to(Path("..", "layers", tree.name))


class _Hashing:
    """A reader that computes the digest of what goes through."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.hasher = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.hasher.update(data)
        return data
