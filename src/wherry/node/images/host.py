"""`wherry.local/host`: the machine's own root file system as an image that is always there.

The oci runtime shows it read-only below a private layer, with home directories and secrets masked; the process runtime
runs its commands on the machine itself. Nothing is downloaded. It is for development: who may use it can read what
the machine's packages are, so pod security treats it like a hostPath volume.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from wherry.node.images.references import normalise_or_none
from wherry.node.runtimes.port import Image, ImageMissing, Login, RuntimeFailure

HOST_REFERENCE = "wherry.local/host:latest"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

HOST_IMAGE = Image(
    id="sha256:" + hashlib.sha256(HOST_REFERENCE.encode()).hexdigest(),
    names=(HOST_REFERENCE,),
    size_bytes=0,
    command=("/bin/sh",),
    environment=(("PATH", _PATH),),
    labels=(("wherry.dev/host", "true"),),
)


def is_host(image: Image) -> bool:
    return image.id == HOST_IMAGE.id


class HostImages:
    """The images of a runtime that has nothing but the machine itself (process runtime)."""

    def list(self) -> Sequence[Image]:
        return (HOST_IMAGE,)

    def find(self, reference: str) -> Image | None:
        return HOST_IMAGE if reference == HOST_IMAGE.id or normalise_or_none(reference) == HOST_REFERENCE else None

    async def pull(self, reference: str, login: Login | None = None) -> Image:
        if (image := self.find(reference)) is not None:
            return image
        raise ImageMissing(
            f'image "{reference}" cannot run on this node: its runtime is `process`, which runs only wherry.local/host; '
            "nodes with the runtime `oci` (Linux, root, runc or crun) run images"
        )

    async def remove(self, reference: str) -> None:
        if self.find(reference) is not None:
            raise RuntimeFailure("wherry.local/host is always there and cannot be removed")
