"""What a new agent finds: containers that run, that ended meanwhile, that lost their shim, and leftovers."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

from wherry.node.runtimes.port import RuntimeFailure, Sandbox
from wherry.node.runtimes.shim.records import LAUNCH_FILE, Exited
from wherry.node.runtimes.supervised.backend import Backend
from wherry.node.runtimes.supervised.control import connect
from wherry.node.runtimes.supervised.shelf import Shelf, take_lock
from wherry.node.runtimes.supervised.ward import Ward, lost

_START_SECONDS = 5.0
"""How long a shim may take from its lock to its socket."""


@dataclass(slots=True)
class Found:
    """All that is on the shelf; a socket goes with each container whose shim lives."""

    sandboxes: dict[str, Sandbox] = field(default_factory=dict)
    wards: list[tuple[Ward, socket.socket | None]] = field(default_factory=list)


def survey(shelf: Shelf, backend: Backend, now: float) -> Found:
    """Look through the directories, clear leftovers away, kill containers without shim. Blocks."""
    found = Found()
    for directory in list(shelf.container_directories()):
        kept = None if directory.name.startswith(".") else shelf.read_container(directory)
        if kept is None:
            _clear_away(shelf, backend, directory)
            continue
        ward = Ward.of(kept[0], directory, kept[1])
        found.wards.append((ward, _resume(shelf, backend, ward, now)))
    for directory in list(shelf.sandbox_directories()):
        sandbox = shelf.read_sandbox(directory)
        if sandbox is not None and _restore(backend, sandbox, directory):
            found.sandboxes[sandbox.pod_uid] = sandbox
        else:
            backend.remove_sandbox(directory.name.removeprefix(".gone-"), directory)
            shelf.remove(directory)
    return found


def _restore(backend: Backend, sandbox: Sandbox, directory: Path) -> bool:
    """After a restart of the machine a pod's namespaces have to be made again; where that fails the pod is over."""
    if directory.name != sandbox.pod_uid:
        return False
    try:
        backend.add_sandbox(sandbox, directory)
    except (OSError, RuntimeFailure):
        return False
    return True


def _clear_away(shelf: Shelf, backend: Backend, directory: Path) -> None:
    container_id = directory.name.removeprefix(".gone-")
    backend.ended(container_id, directory)
    backend.discard(container_id, directory)
    shelf.remove(directory)


def _resume(shelf: Shelf, backend: Backend, ward: Ward, now: float) -> socket.socket | None:
    """Bring the state up to what happened; gives the connection to a living shim."""
    status = shelf.read_status(ward.directory)
    if not isinstance(status, Exited):
        if not (ward.directory / LAUNCH_FILE).exists():
            return None
        if status is not None:
            ward.apply(status)
        if (sock := _reach(ward.directory)) is not None:
            return sock
        if not (ward.directory / LAUNCH_FILE).exists():
            return None
        status = shelf.read_status(ward.directory)
    if not isinstance(status, Exited):
        backend.ended(ward.container.id, ward.directory)
        status = lost(ward.state, now)
        shelf.write_status(ward.directory, status)
    elif status.reason == "StartError" and not status.message:
        status.message = backend.start_failure(ward.directory)
    backend.ended(ward.container.id, ward.directory)
    ward.apply(status)
    return None


def _reach(directory: Path) -> socket.socket | None:
    """Connect to the shim; None when there is none any more, or never was one: then there is no `launch` any more either."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        lock = take_lock(directory)
        if lock is not None:
            if os.fstat(lock).st_size == 0:
                # No shim ever had it. One that is still on its way must find nothing to launch: the container is ours.
                (directory / LAUNCH_FILE).unlink(missing_ok=True)
            os.close(lock)
            return None
        try:
            return connect(directory)
        except OSError:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.01)
