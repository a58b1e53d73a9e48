"""Putting the process runtime together."""

from __future__ import annotations

from pathlib import Path

from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.node.images.host import HostImages
from wherry.node.runtimes.process.backend import ProcessBackend
from wherry.node.runtimes.supervised.runtime import SupervisedRuntime


class ProcessRuntime(SupervisedRuntime):
    """A `Runtime` of plain processes below `root`; `private_mounts` None means: use them where the machine can."""

    def __init__(
        self, *, root: Path, clock: Clock, private_mounts: bool | None = None, log: Logger | None = None
    ) -> None:
        super().__init__(
            root=root,
            images=HostImages(),
            clock=clock,
            backend=ProcessBackend(private_mounts=private_mounts),
            log=log,
        )
