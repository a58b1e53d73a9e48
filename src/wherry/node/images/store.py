"""The images of a node: unpacked layers shared between images, and an index that says which image is made of which.

    <root>/index.json        images and names; replaced in one step, so an import is there whole or not at all
    <root>/layers/<diff id>  a layer's tree; it appears under this name only when complete and verified
    <root>/l/<short>         links to the trees, because a mount's options must fit into a page

Several processes may use one store: changes hold a lock, and readers notice a changed index. Layers are kept unpacked
only; the compressed blobs are not needed to run anything.
"""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from wherry.base.clock import Clock
from wherry.base.files import write_atomic
from wherry.node.images.host import HOST_IMAGE, HOST_REFERENCE
from wherry.node.images.imported import Imported
from wherry.node.images.references import normalise, normalise_or_none, repository
from wherry.node.runtimes.port import Image, ImageMissing, Login, RuntimeFailure
from wherry.node.runtimes.supervised.codec import image_from

_SHORT = 12
_HINT = "to bring it here from a file: wherry image import FILE (of `docker save`, `podman save`, or an OCI layout)"
_LEFTOVER_SECONDS = 3600.0


class ImageStore:
    """An `Images` in a directory. Importing blocks: call it in a thread or a program of its own."""

    def __init__(self, root: Path, *, clock: Clock, registries: bool = False) -> None:
        """With `registries`, `pull` asks the registry that an image's name says."""
        self._root = root
        self._clock = clock
        self._registries = registries
        self._seen: tuple[int, int] | None = None
        self._images: dict[str, Imported] = {}

    # -- what the node asks

    def list(self) -> Sequence[Image]:
        self._refresh()
        return (HOST_IMAGE, *(one.image for one in self._images.values()))

    def find(self, reference: str) -> Image | None:
        name = normalise_or_none(reference)
        if name == HOST_REFERENCE or reference == HOST_IMAGE.id:
            return HOST_IMAGE
        self._refresh()
        for one in self._images.values():
            if reference == one.image.id or name in one.image.names:
                return one.image
        return None

    async def pull(self, reference: str, login: Login | None = None) -> Image:
        """Here already, from an archive: no registry is asked. Pulled earlier: looks whether the name means another one now,
        and is content with the old one when the registry cannot be reached.
        """
        image = self.find(reference)
        if image is HOST_IMAGE or (image is not None and not (self._registries and self._images[image.id].pulled)):
            return image
        if not self._registries:
            raise ImageMissing(f'image "{reference}" is not on this node, and registries are not asked; {_HINT}')
        return await asyncio.to_thread(self._pull_blocking, normalise(reference), image, login)

    async def remove(self, reference: str) -> None:
        """Remove one name, or by id the whole image; layers that nothing uses any more go too."""
        await asyncio.to_thread(self.remove_blocking, reference)

    def layers(self, image: Image) -> Sequence[Path]:
        """The image's layer directories for an overlay mount, the topmost first. Raises `ImageMissing`."""
        self._refresh()
        found = self._images.get(image.id)
        if found is None:
            raise ImageMissing(f'image "{(image.names or (image.id,))[0]}" is not on this node any more')
        return [self._link(diff_id) for diff_id in reversed(found.diff_ids)]

    # -- changing what is here

    def import_path(self, path: Path, *, name: str = "", pulled: bool = False) -> Sequence[Image]:
        """Bring in every image of an archive or directory; `name` is for one that does not say its own.

        Done again after a crash it goes on with the layers that were complete. Raises `ImageInvalid`, `RuntimeFailure`.
        """
        from wherry.node.images.intake import take_in  # what only imports need is not loaded when a node starts

        with self._locked():
            found = take_in(path, name, self._root, self._layer_place)
            for one in found:
                self._put(replace(one, pulled=pulled))
            self._write_index()
        return [self._images[one.image.id].image for one in found]

    def _pull_blocking(self, name: str, present: Image | None, login: Login | None) -> Image:
        from wherry.node.images.registry.client import RegistryError, RegistryUnreachable
        from wherry.node.images.registry.pull import client_for, fetch_layout

        client, reference = client_for(name, login)
        try:
            if present is not None and f"{repository(name)}@{client.digest_of(reference)}" in present.names:
                return present
            self._root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".pull-", dir=self._root) as folder:
                layout = fetch_layout(
                    name, Path(folder), lambda diff_id: self._tree(diff_id).exists(), client, reference
                )
                return self.import_path(layout, pulled=True)[0]
        except RegistryError as error:
            if present is not None and isinstance(error, RegistryUnreachable):
                return present
            raise ImageMissing(f'failed to pull image "{name}": {error}; {_HINT}') from error

    def remove_blocking(self, reference: str) -> None:
        image = self.find(reference)
        if image is HOST_IMAGE:
            raise RuntimeFailure("wherry.local/host is always there and cannot be removed")
        if image is None:
            raise ImageMissing(f'image "{reference}" is not on this node')
        with self._locked():
            one = self._images[image.id]
            del self._images[image.id]
            name = normalise_or_none(reference)
            kept = [] if reference == image.id else _without(image.names, str(name))
            if kept:
                self._images[image.id] = _renamed(one, kept)
            self._write_index()
            self._collect(leave_younger_than=0.0)

    def tidy(self) -> None:
        """Remove what crashed imports left behind, when the node starts; not while somebody is importing."""
        try:
            with self._locked(wait=False):
                self._collect(leave_younger_than=_LEFTOVER_SECONDS)
        except BlockingIOError:
            return

    # -- layers

    def _layer_place(self, diff_id: str) -> tuple[Path, Path]:
        """Where a layer's tree belongs, and the short link to it."""
        return self._tree(diff_id), self._link(diff_id)

    def _tree(self, diff_id: str) -> Path:
        return self._root / "layers" / diff_id.removeprefix("sha256:")

    def _link(self, diff_id: str) -> Path:
        return self._root / "l" / diff_id.removeprefix("sha256:")[:_SHORT]

    def _collect(self, *, leave_younger_than: float) -> None:
        """Remove layers that no image has and no container uses, and trees that were never completed."""
        used = {diff_id.removeprefix("sha256:") for one in self._images.values() for diff_id in one.diff_ids}
        mounted = Path("/proc/self/mountinfo").read_text() if Path("/proc/self/mountinfo").exists() else ""
        for tree in list((self._root / "layers").iterdir()):
            if tree.name in used or tree.name[:_SHORT] in mounted:
                continue
            if self._clock.now() - tree.lstat().st_ctime < leave_younger_than and not tree.name.startswith("."):
                continue
            (self._root / "l" / tree.name[:_SHORT]).unlink(missing_ok=True)
            doomed = tree.with_name(f".gone-{tree.name.removeprefix('.')}")
            tree.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)

    # -- the index

    def _put(self, new: Imported) -> None:
        """Add an image; a name belongs to the last one that came with it."""
        for one in list(self._images.values()):
            kept = [name for name in one.image.names if name not in new.image.names or one.image.id == new.image.id]
            if not any("@" not in name for name in kept):
                del self._images[one.image.id]
            else:
                self._images[one.image.id] = _renamed(one, kept)
        before = self._images.get(new.image.id)
        names = [*(before.image.names if before else ()), *new.image.names]
        self._images[new.image.id] = _renamed(new, list(dict.fromkeys(names)))

    def _write_index(self) -> None:
        write_atomic(self._root / "index.json", orjson.dumps({"images": list(self._images.values())}))

    def _refresh(self) -> None:
        """Read the index if somebody has replaced it."""
        try:
            found = (self._root / "index.json").stat()
        except FileNotFoundError:
            self._images, self._seen = {}, None
            return
        if self._seen != (found.st_ino, found.st_mtime_ns):
            data = orjson.loads((self._root / "index.json").read_bytes())
            self._images = {one.image.id: one for one in map(_imported_from, data["images"])}
            self._seen = (found.st_ino, found.st_mtime_ns)

    @contextmanager
    def _locked(self, *, wait: bool = True) -> Iterator[None]:
        for name in ("layers", "l"):
            (self._root / name).mkdir(parents=True, exist_ok=True)
        with (self._root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._seen = None
            self._refresh()
            yield


def _without(names: Sequence[str], name: str) -> list[str]:
    """The names that stay; with the last tag of a repository its digest name goes too."""
    tags = [one for one in names if one != name and "@" not in one]
    repositories = {repository(tag) for tag in tags}
    return tags + [one for one in names if one != name and "@" in one and repository(one) in repositories]


def _renamed(one: Imported, names: Sequence[str]) -> Imported:
    return replace(one, image=replace(one.image, names=tuple(names)))


def _imported_from(data: dict[str, Any]) -> Imported:
    return Imported(image=image_from(data["image"]), diff_ids=tuple(data["diff_ids"]), pulled=data["pulled"])
