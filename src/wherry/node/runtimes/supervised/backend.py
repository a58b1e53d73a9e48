"""What a kind of container adds to the supervised runtime.

Functions that are not `async` block and are called in a thread; each may be called again for what was done or undone
before, also by a new agent after a crash of the old one in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from wherry.node.runtimes.port import Container, Resources, Sandbox, Streams, Usage

Launch = dict[str, Any]
"""See `wherry.node.runtimes.shim.launch`."""


class Backend(Protocol):
    """Makes what the shim starts, and takes it away."""

    name: str
    version: str

    def open(self) -> None:
        """Check the machine. Raises `RuntimeFailure` with what is missing."""

    def add_sandbox(self, sandbox: Sandbox, directory: Path) -> None:
        """Raises `CreateFailed`."""

    def remove_sandbox(self, pod_uid: str, directory: Path) -> None:
        """Everything outside of the directory that `add_sandbox` made; `directory` may be half made."""

    def prepare(self, container: Container, directory: Path) -> None:
        """All that can be done before the command runs. Raises `CreateFailed`, `ImageMissing`."""

    def launch(self, container: Container, directory: Path) -> Launch:
        """What the shim shall start. Raises `StartFailed`."""

    def start_failure(self, directory: Path) -> str:
        """Why the start failed, where the shim cannot say it."""

    def ended(self, container_id: str, directory: Path) -> None:
        """The container's process is over or must be: kill all that is left of it, and free what only runs need."""

    def discard(self, container_id: str, directory: Path) -> None:
        """Everything outside of the directory that `prepare` made; `ended` was called before."""

    def update(self, container: Container, directory: Path, resources: Resources) -> None:
        """Raises `RuntimeFailure`."""

    async def exec(
        self, container: Container, directory: Path, pid: int, arguments: Sequence[str], *, tty: bool, stdin: bool
    ) -> Streams:
        """Raises `StartFailed`."""

    def usage(self, container: Container, directory: Path, pid: int) -> Usage | None: ...
