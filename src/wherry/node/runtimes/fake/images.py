"""Images for containers that only pretend: every reference is here, or can be pulled, unless told otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

from wherry.node.runtimes.port import Image, ImageMissing, Login


class FakeImages:
    """`missing` are references that cannot be pulled; `preset` are images with a command, user and so on."""

    def __init__(self, *, preset: Sequence[Image] = (), missing: Collection[str] = ()) -> None:
        self.missing = set(missing)
        self.private: dict[str, Login] = {}
        """Images that only one login gets."""
        self.logins: list[tuple[str, Login | None]] = []
        """What was pulled, and as whom."""
        self._images: dict[str, Image] = {}
        for image in preset:
            self._images.update(dict.fromkeys(image.names, image))

    def list(self) -> Sequence[Image]:
        return tuple({image.id: image for image in self._images.values()}.values())

    def find(self, reference: str) -> Image | None:
        if reference in self.missing:
            return None
        if (image := self._images.get(reference)) is not None:
            return image
        return next((image for image in self._images.values() if image.id == reference), None)

    async def pull(self, reference: str, login: Login | None = None) -> Image:
        self.logins.append((reference, login))
        if (wanted := self.private.get(reference)) is not None and login != wanted:
            raise ImageMissing(f'failed to pull image "{reference}": pull access denied')
        if reference in self.missing:
            raise ImageMissing(f'image "{reference}" is not here; import it: wherry image import FILE')
        if (image := self.find(reference)) is None:
            digest = hashlib.sha256(reference.encode()).hexdigest()
            image = Image(id=f"sha256:{digest}", names=(reference,), size_bytes=1 << 20)
            self._images[reference] = image
        return image

    async def remove(self, reference: str) -> None:
        image = self.find(reference)
        for name in image.names if image else ():
            self._images.pop(name, None)
