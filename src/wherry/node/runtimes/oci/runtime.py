"""Putting the oci runtime together."""

from __future__ import annotations

import asyncio
from pathlib import Path

from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.node.images.store import ImageStore
from wherry.node.runtimes.oci.backend import OciBackend
from wherry.node.runtimes.supervised.runtime import SupervisedRuntime


class OciRuntime(SupervisedRuntime):
    """A `Runtime` of real containers below `root`.

    `cgroup` is the node's own control group, below which all others are made; give each node of a machine another one.
    `state_directory` (default: `root`) is what `wherry.local/host` hides. `program` chooses runc or crun by path.
    """

    def __init__(
        self,
        *,
        root: Path,
        images: ImageStore,
        clock: Clock,
        cgroup: str = "wherry",
        state_directory: Path | None = None,
        program: str | None = None,
        log: Logger | None = None,
    ) -> None:
        backend = OciBackend(
            root=root,
            layers=images.layers,
            clock=clock,
            cgroup=cgroup,
            state_directory=state_directory or root,
            program=program,
        )
        super().__init__(root=root, images=images, clock=clock, backend=backend, log=log)
        self._store = images

    async def open(self) -> None:
        await super().open()
        await asyncio.to_thread(self._store.tidy)
