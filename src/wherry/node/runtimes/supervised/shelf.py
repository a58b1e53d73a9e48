"""The runtime's directories: one per container, one per sandbox, each with a description that a new agent can read.

<root>/containers/<id>/container.json    written last by `create`: without it the directory is a leftover
<root>/containers/<id>/launch, status, lock, sock    see `shim/records.py`
<root>/sandboxes/<pod uid>/sandbox.json  written before anything is made, so that a crash leaves nothing unknown
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import orjson

from wherry.base.files import write_atomic
from wherry.node.runtimes.port import Container, RuntimeFailure, Sandbox
from wherry.node.runtimes.shim import records
from wherry.node.runtimes.supervised.codec import container_from, sandbox_from

_REMOVALS = 3
"""A shim that is about to end deletes its socket while we delete the directory; then it has to be done again."""
_CONTAINER, _SANDBOX = "container.json", "sandbox.json"


class Shelf:
    """The directories below one root. One agent at a time: `lock` sees to that."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._containers = root / "containers"
        self._sandboxes = root / "sandboxes"
        self._lock = -1

    def open(self) -> None:
        """Make the root and lock it. Raises `RuntimeFailure`."""
        try:
            for path in (self._containers, self._sandboxes):
                path.mkdir(mode=0o711, parents=True, exist_ok=True)
            self._lock = os.open(self.root / "agent.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise RuntimeFailure(f"{self.root} is in use by another node agent") from None
        except OSError as error:
            raise RuntimeFailure(f"cannot use {self.root} for containers: {error.strerror}") from error

    def close(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def container_directory(self, container_id: str) -> Path:
        return self._containers / container_id

    def sandbox_directory(self, pod_uid: str) -> Path:
        return self._sandboxes / pod_uid

    def container_directories(self) -> Iterator[Path]:
        yield from self._containers.iterdir()

    def sandbox_directories(self) -> Iterator[Path]:
        yield from self._sandboxes.iterdir()

    def keep_container(self, container: Container, created_at: float) -> None:
        data = orjson.dumps({"container": container, "created_at": created_at})
        write_atomic(self.container_directory(container.id) / _CONTAINER, data, mode=0o600, durable=False)

    def keep_sandbox(self, sandbox: Sandbox) -> None:
        data = orjson.dumps(sandbox)
        write_atomic(self.sandbox_directory(sandbox.pod_uid) / _SANDBOX, data, mode=0o600, durable=False)

    def read_container(self, directory: Path) -> tuple[Container, float] | None:
        """None for a leftover of a creation that never ended."""
        try:
            data = orjson.loads((directory / _CONTAINER).read_bytes())
            return container_from(data["container"]), data["created_at"]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def read_sandbox(self, directory: Path) -> Sandbox | None:
        try:
            return sandbox_from(orjson.loads((directory / _SANDBOX).read_bytes()))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def read_status(self, directory: Path) -> records.Running | records.Exited | None:
        try:
            return records.parse_status((directory / records.STATUS_FILE).read_text(errors="replace"))
        except OSError:
            return None

    def write_status(self, directory: Path, status: records.Exited) -> None:
        write_atomic(directory / records.STATUS_FILE, status.line().encode() + b"\n")

    def remove(self, directory: Path) -> None:
        """Delete the directory with its content; fails rather than follow what is still mounted inside."""
        gone = directory.with_name(f".gone-{directory.name}")
        try:
            directory.rename(gone)
        except FileNotFoundError:
            pass
        for _ in range(_REMOVALS):
            if not gone.exists():
                return
            try:
                shutil.rmtree(gone)
            except FileNotFoundError:
                continue


def kill_shim(directory: Path) -> None:
    """Kill the shim that holds the lock, which says who that is; nothing when there is none."""
    lock = take_lock(directory)
    if lock is not None:
        os.close(lock)
        return
    try:
        os.kill(int((directory / records.LOCK_FILE).read_text()), signal.SIGKILL)
    except (OSError, ValueError):
        return


def take_lock(directory: Path) -> int | None:
    """The descriptor of the lock that a living shim holds; None when there is a living shim."""
    descriptor = os.open(directory / records.LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
