"""Plain processes as containers.

What a user gets: the command runs on the machine itself, as the user of the node agent (as `securityContext` says, if that
is root), with a private home and working directory. Volumes are really at their targets where the machine allows private
mounts (root, or user namespaces); else see `places.py`. Not isolated: file system, network, processes. Limits of
CPU, memory and pids are not enforced: there is no rlimit that means what the API means.
"""

from __future__ import annotations

import marshal
import os
import platform
import signal
import subprocess
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import Sequence
from pathlib import Path

from wherry.node.images.host import is_host
from wherry.node.runtimes.child_streams import run_child
from wherry.node.runtimes.descriptors import DescriptorStream
from wherry.node.runtimes.port import Container, CreateFailed, Resources, Sandbox, StartFailed, Streams, Usage
from wherry.node.runtimes.process import remnants
from wherry.node.runtimes.process.measure import process_usage
from wherry.node.runtimes.process.places import rewrite, rewriter
from wherry.node.runtimes.shim.records import STATUS_FILE
from wherry.node.runtimes.supervised.backend import Launch
from wherry.node.runtimes.supervised.nursery import isolated_python
from wherry.node.runtimes.users import UserDatabase, resolve_user

_PROBE = "import sys; sys.path.insert(0, sys.argv[1]); from wherry.node.runtimes.shim.binds import probe; probe()"
_ENTER = "import sys; sys.path.insert(0, sys.argv[1]); from wherry.node.runtimes.shim.enter import main; main()"
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ProcessBackend:
    """A `Backend`. `private_mounts` None means: find out."""

    name = "process"

    def __init__(self, *, private_mounts: bool | None = None) -> None:
        self.version = platform.release()
        self._private_mounts = private_mounts

    @property
    def private_mounts(self) -> bool:
        return bool(self._private_mounts)

    def open(self) -> None:
        if self._private_mounts is None:
            self._private_mounts = sys.platform == "linux" and (
                subprocess.run(isolated_python(_PROBE), stderr=subprocess.DEVNULL, check=False).returncode == 0
            )

    def add_sandbox(self, sandbox: Sandbox, directory: Path) -> None:
        """Plain processes share nothing but the machine."""

    def remove_sandbox(self, pod_uid: str, directory: Path) -> None:
        """Nothing was made."""

    # -- a container

    def prepare(self, container: Container, directory: Path) -> None:
        if not is_host(container.image):
            raise CreateFailed(
                f'image "{container.image.names[0]}" cannot run on this node: its runtime is `process`, '
                "which runs only wherry.local/host"
            )
        uid = os.getuid() if (user := self._user(container)) is None else user[0]
        if container.security.non_root and uid == 0:
            raise CreateFailed("container has runAsNonRoot and image will run as root")
        for mount in container.mounts:
            if not os.path.lexists(mount.source):
                raise CreateFailed(f"{mount.source} for {mount.target} does not exist")
        for name in ("home", "scratch", "root"):
            (directory / name).mkdir(mode=0o755, exist_ok=True)
        if user is not None:
            os.chown(directory / "home", user[0], user[1])
        if not self._private_mounts:
            _link_mounts(container, directory / "root")

    def launch(self, container: Container, directory: Path) -> Launch:
        return self._describe(container, directory, container.arguments)

    def _describe(self, container: Container, directory: Path, arguments: Sequence[str]) -> Launch:
        root = str(directory / "root")
        pattern = None if self._private_mounts else rewriter([mount.target for mount in container.mounts])
        environment = {name: rewrite(value, pattern, root) for name, value in container.environment}
        binds = [(mount.source, mount.target, mount.read_only) for mount in container.mounts]
        return {
            "kind": "plain",
            "argv": [rewrite(argument, pattern, root) for argument in arguments],
            "env": self._surroundings(container, directory) | environment,
            "cwd": rewrite(container.working_directory, pattern, root) or str(directory / "home"),
            "user": self._user(container),
            "binds": binds if self._private_mounts else [],
            "scratch": str(directory / "scratch"),
            "oom": [],
        }

    def _surroundings(self, container: Container, directory: Path) -> dict[str, str]:
        return {
            "PATH": _DEFAULT_PATH,
            "HOSTNAME": container.sandbox.hostname,
            "HOME": str(directory / "home"),
            remnants.MARK: container.id,
            **({} if self._private_mounts else {"WHERRY_ROOT": str(directory / "root")}),
            **({"TERM": "xterm"} if container.tty else {}),
        }

    def _user(self, container: Container) -> tuple[int, int, list[int]] | None:
        """Only root can become somebody else; for others the request is not followed, as the docs say."""
        security = container.security
        if os.getuid() != 0 or not (security.user or security.group is not None or security.supplemental_groups):
            return None
        user = resolve_user(
            security.user, security.group, security.supplemental_groups, UserDatabase.of_directory(Path("/"))
        )
        return user.uid, user.gid, list(user.groups)

    def start_failure(self, directory: Path) -> str:
        return ""

    def ended(self, container_id: str, directory: Path) -> None:
        """A shim takes all that its process left behind with it; only where it was killed something can be left."""
        try:
            told = (directory / STATUS_FILE).read_text().startswith("exited")
        except OSError:
            told = False
        if not told:
            remnants.kill_marked(container_id)

    def discard(self, container_id: str, directory: Path) -> None:
        """All that was made is in the directory."""

    def update(self, container: Container, directory: Path, resources: Resources) -> None:
        """Limits are not enforced here, so there is nothing to change."""

    async def exec(
        self, container: Container, directory: Path, pid: int, arguments: Sequence[str], *, tty: bool, stdin: bool
    ) -> Streams:
        launch = self._describe(container, directory, arguments)
        if tty:
            launch["env"] = {"TERM": "xterm", **launch["env"]}
        enter = _namespaces(pid) if launch["binds"] else []
        report, complain = os.pipe()
        try:
            with tempfile.TemporaryFile() as description:
                description.write(marshal.dumps({**launch, "binds": [], "tty": tty, "enter": enter}))
                description.seek(0)
                streams = await run_child(
                    isolated_python(_ENTER, str(description.fileno()), str(complain)),
                    tty=tty,
                    stdin=stdin,
                    environment={},
                    pass_fds=(description.fileno(), complain, *(descriptor for descriptor, _ in enter)),
                    kill=_kill_group,
                )
        except BaseException:
            os.close(report)
            raise
        finally:
            for descriptor in (complain, *(descriptor for descriptor, _ in enter)):
                os.close(descriptor)
        if message := await _read_all(report):
            await streams.close()
            raise StartFailed(message)
        return streams

    def usage(self, container: Container, directory: Path, pid: int) -> Usage | None:
        return process_usage(pid)


def _link_mounts(container: Container, root: Path) -> None:
    for mount in sorted(container.mounts, key=lambda mount: mount.target.count("/")):
        link = root / mount.target.strip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(mount.source)


def _namespaces(pid: int) -> list[tuple[int, int]]:
    """Open descriptors of the namespaces that a plain process was put into, with their kinds."""
    kinds = {"user": 0x10000000, "mnt": 0x00020000}
    opened = []
    for name, kind in kinds.items():
        path = f"/proc/{pid}/ns/{name}"
        if os.readlink(path) != os.readlink(f"/proc/self/ns/{name}"):
            opened.append((os.open(path, os.O_RDONLY), kind))
    return opened


def _kill_group(process: Process) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


async def _read_all(descriptor: int) -> str:
    stream = DescriptorStream(descriptor)
    try:
        pieces = []
        while chunk := await stream.read():
            pieces.append(chunk)
        return b"".join(pieces).decode(errors="replace")
    finally:
        stream.close()
