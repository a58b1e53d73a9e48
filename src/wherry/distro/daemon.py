"""One background process per cluster: started by a fork, found by a lock, stopped by a signal.

The command that starts a cluster has already loaded everything, so the cluster's process is forked from it instead of
started anew; that saves half of the start-up time. The two are joined by a pipe on which the child tells its progress,
line by line, until it says `ready` or `failed`.

What always holds: whoever holds the lock on `run.lock` is the cluster; the kernel lets go of it however the process dies.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from wherry.distro import turn
from wherry.distro.config import StateDirectory

_POLL_SECONDS = 0.02
_LOOK_SECONDS = 0.5
"""Who only looks whether a cluster runs holds the lock for a moment; that must not keep one from starting."""


class AlreadyRunning(Exception):
    """Another process holds the cluster."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"the cluster is running already (process {pid or 'unknown'})")
        self.pid = pid


@dataclass(frozen=True, slots=True)
class Progress:
    """One line of what the starting process tells.

    `kind`: `step`, something is done; `serving`, the API server answers; `ready`, all that was asked for is there;
    `failed`, the process ends, the message says why; `late`, the process goes on, but nobody waits for it any longer.
    """

    kind: str
    message: str
    seconds: float = 0.0


Report = Callable[[Progress], None]


@contextmanager
def hold(state: StateDirectory) -> Iterator[None]:
    """Be the cluster's process for the length of the block. Raises `AlreadyRunning`."""
    state.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(state.lock, "a+") as file:
        _lock(file, state)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        _held.append(file)
        yield


_held: list[IO[str]] = []


def release_inherited() -> None:
    """In a process forked from the cluster's: let go of the lock's copy, which would outlive its owner."""
    while _held:
        os.close(_held.pop().fileno())


def _lock(file: IO[str], state: StateDirectory) -> None:
    deadline = time.monotonic() + _LOOK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if pid := running_pid(state):
                raise AlreadyRunning(pid) from None
            if time.monotonic() > deadline:
                raise AlreadyRunning(0) from None
            time.sleep(_POLL_SECONDS)


def running_pid(state: StateDirectory) -> int | None:
    """The process that is the cluster now, or None."""
    try:
        with open(state.lock) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read().strip() or 0)
    except FileNotFoundError:
        pass
    return None


def start_in_background(
    state: StateDirectory, body: Callable[[Report], None], *, patience_seconds: float = 60.0
) -> Iterator[Progress]:
    """Run `body` in a process of its own, forked before this returns; gives what it reports until `ready` or `failed`.

    When neither has come after `patience_seconds`, the last report is `late`.

    `body` runs until the cluster ends. What it and its children print goes to the cluster's log file. The caller must
    have no other thread running: a fork copies their locks, but not them.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.close(reader)
        _become_daemon(state.log, writer, body)
    os.close(writer)
    os.waitpid(child, 0)
    return _read(reader, time.monotonic() + patience_seconds)


def _read(reader: int, deadline: float) -> Iterator[Progress]:
    pending = b""
    try:
        while select.select([reader], [], [], max(0.0, deadline - time.monotonic()))[0]:
            if not (data := os.read(reader, 65536)):
                yield Progress("failed", "the cluster's process ended without a word; its log may tell why")
                return
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                progress = Progress(**json.loads(line))
                yield progress
                if progress.kind in ("ready", "failed"):
                    return
        yield Progress("late", "the cluster is not ready yet")
    finally:
        os.close(reader)


def _become_daemon(log: Path, writer: int, body: Callable[[Report], None]) -> None:
    """In the first child: detach, fork once more, run. Never returns."""
    os.setsid()
    if os.fork():
        os._exit(0)
    status = 1
    try:
        turn.release_inherited()
        with os.fdopen(writer, "w", buffering=1) as pipe:
            status = _run(log, body, lambda progress: _tell(pipe, progress))
    finally:
        # Not sys.exit: the parent's buffers and exit handlers are copied into this process and are not ours to run.
        os._exit(status)


def _run(log: Path, body: Callable[[Report], None], report: Report) -> int:
    """The process's exit status. What keeps it from being the cluster at all is reported like any failure."""
    try:
        _redirect(log)
        body(report)
    except (AlreadyRunning, OSError) as error:
        report(Progress("failed", str(error)))
        return 1
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def _redirect(log: Path) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(null)
    os.close(descriptor)


def _tell(pipe: IO[str], progress: Progress) -> None:
    try:
        pipe.write(json.dumps(asdict(progress)) + "\n")
    except (BrokenPipeError, ValueError):
        pass  # the command that started us has gone; the cluster goes on


def last_problem(log: Path, begin: int = 0) -> str | None:
    """The newest warning or error in a log file from byte `begin` on, without its time."""
    try:
        with open(log, "rb") as file:
            file.seek(begin)
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        words = line.split(None, 2)
        if len(words) == 3 and words[1] in ("WARNING", "ERROR"):
            return words[2][:400]
    return None


def stop(state: StateDirectory, *, grace_seconds: float) -> bool:
    """Ask the cluster's process to end, and kill it if it does not. False when none was running."""
    pid = running_pid(state)
    if not pid:
        return False
    for number, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if running_pid(state) is None:
                return True
            time.sleep(_POLL_SECONDS)
    return True
