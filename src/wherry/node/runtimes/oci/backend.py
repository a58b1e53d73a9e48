"""Containers by an OCI runtime.

`prepare` mounts the root file system and writes the bundle; the shim runs `runc run --detach`; `ended` removes the cgroup
and the runtime's notes, without asking the runtime: that also works for what a crash left in the middle.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from wherry.base.clock import Clock
from wherry.node.images.host import is_host
from wherry.node.runtimes.child_streams import ChildStreams, run_child
from wherry.node.runtimes.oci import cgroups, config, machine, namespaces, rootfs, tool
from wherry.node.runtimes.oci.mounts import Facts
from wherry.node.runtimes.oci.seccomp import profile
from wherry.node.runtimes.port import (
    Container,
    CreateFailed,
    Image,
    Resources,
    RuntimeFailure,
    Sandbox,
    StartFailed,
    Streams,
    Usage,
)
from wherry.node.runtimes.supervised.backend import Launch
from wherry.node.runtimes.users import UserDatabase, resolve_user

Layers = Callable[[Image], Sequence[Path]]
"""The directories of an image's layers, the topmost first. Raises `ImageMissing`."""
_CONFIG, _LOG, _PID, _EXECS = "config.json", "runtime.log", "pid", "execs"
_POLL_SECONDS = 0.003


class OciBackend:
    """A `Backend`. `cgroup` is the node's own group; `state_directory` is hidden from `wherry.local/host`."""

    name = "oci"

    def __init__(
        self,
        *,
        root: Path,
        layers: Layers,
        clock: Clock,
        cgroup: str,
        state_directory: Path,
        program: str | None = None,
    ) -> None:
        self.version = ""
        self._root = root
        self._layers = layers
        self._clock = clock
        self._cgroup = cgroup.strip("/")
        self._state_directory = state_directory
        self._program = program
        self._tool: tool.Tool
        self._layout: cgroups.Layout
        self._pods: set[str] = set()
        self._pods_lock = threading.Lock()

    def open(self) -> None:
        self._layout = machine.check()
        self._tool = tool.find_tool(self._root / "runc", self._program)
        self._tool.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.version = self._tool.version

    # -- sandboxes

    def add_sandbox(self, sandbox: Sandbox, directory: Path) -> None:
        with self._pods_lock:
            self._pods.add(sandbox.pod_uid)
        namespaces.make(sandbox, directory)

    def remove_sandbox(self, pod_uid: str, directory: Path) -> None:
        namespaces.remove(directory)
        group = self._pod_group_of(directory)
        with self._pods_lock:
            self._pods.discard(pod_uid)
            if group:
                cgroups.remove(self._layout, group)
            if not self._pods:  # else somebody may just be making a group below the shared ones
                cgroups.remove_empty_below(self._layout, self._cgroup)

    def _pod_group_of(self, directory: Path) -> str:
        try:
            path = str(orjson.loads((directory / "sandbox.json").read_bytes())["cgroup"]).strip("/")
        except (OSError, ValueError, KeyError):
            return ""
        return f"{self._cgroup}/{path}" if path else ""

    def _group(self, container: Container) -> str:
        middle = container.sandbox.cgroup.strip("/") or f"pod{container.sandbox.pod_uid}"
        return f"{self._cgroup}/{middle}/{container.id}"

    # -- a container

    def prepare(self, container: Container, directory: Path) -> None:
        (directory / "group").write_text(self._group(container))
        root = self._mount(container, directory)
        user = resolve_user(
            container.security.user or container.image.user,
            container.security.group,
            container.security.supplemental_groups,
            UserDatabase.of_directory(root),
        )
        if container.security.non_root and user.uid == 0:
            raise CreateFailed("container has runAsNonRoot and image will run as root")
        for mount in container.mounts:
            if not os.path.lexists(mount.source):
                raise CreateFailed(f'failed to stat "{mount.source}": no such file or directory')
        described = config.bundle(container, user, self._facts(container, directory))
        (directory / _CONFIG).write_bytes(orjson.dumps(described))

    def _mount(self, container: Container, directory: Path) -> Path:
        if is_host(container.image):
            upper = directory / "upper"
            if not upper.exists():
                upper.mkdir(mode=0o755)
                rootfs.mask_host(upper, self._state_directory)
            return rootfs.mount_rootfs(directory, [Path("/")])
        return rootfs.mount_rootfs(directory, self._layers(container.image))

    def _facts(self, container: Container, directory: Path) -> config.Machine:
        sandbox = container.sandbox
        place = self._root / "sandboxes" / sandbox.pod_uid
        privileged = container.security.privileged
        return config.Machine(
            cgroup=self._group(container),
            cgroup_v2=self._layout.is_v2,
            namespaces=self._namespaces(sandbox, place),
            mounts=Facts(
                shm="/dev/shm" if sandbox.host_ipc else str(place / "shm"),
                hostname_file=str(place / "hostname"),
                host_submounts=rootfs.host_submounts() if is_host(container.image) else (),
            ),
            capabilities=machine.available_capabilities(),
            devices=machine.devices() if privileged else (),
            open_files=machine.open_files(),
            seccomp=self._seccomp(container),
        )

    def _seccomp(self, container: Container) -> config.Json | None:
        security = container.security
        names = config.granted(security, machine.available_capabilities())
        return None if security.privileged else profile(security.seccomp, names)

    def _namespaces(self, sandbox: Sandbox, place: Path) -> dict[str, str | None]:
        kinds: dict[str, str | None] = {"mount": None}
        if not sandbox.host_pid:
            kinds["pid"] = str(namespaces.pinned(place, "pid")) if sandbox.share_process_namespace else None
        for kind in ("uts", "ipc"):
            if not namespaces.is_host(sandbox, kind):
                kinds[kind] = str(namespaces.pinned(place, kind))
        if sandbox.network_namespace is not None:
            kinds["network"] = sandbox.network_namespace
        if self._layout.is_v2:
            kinds["cgroup"] = None
        return kinds

    def launch(self, container: Container, directory: Path) -> Launch:
        self._mount(container, directory)
        for name in (_LOG, _PID, "console"):
            (directory / name).unlink(missing_ok=True)
        arguments = ["run", "--detach", "--bundle", str(directory), "--pid-file", str(directory / _PID)]
        if container.tty:
            arguments += ["--console-socket", "console"]
        return {
            "kind": "oci",
            "argv": self._tool.command(directory / _LOG, *arguments, container.id),
            "env": {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            "cwd": "/",
            "pid_file": _PID,
            "console": "console",
            "user": None,
            "binds": [],
            "scratch": "",
            "oom": cgroups.oom_counters(self._layout, self._group(container)),
        }

    def start_failure(self, directory: Path) -> str:
        return tool.failure(directory / _LOG, "create")

    def ended(self, container_id: str, directory: Path) -> None:
        try:
            cgroups.remove(self._layout, (directory / "group").read_text())
        except FileNotFoundError:
            pass
        shutil.rmtree(self._tool.state / container_id, ignore_errors=True)

    def discard(self, container_id: str, directory: Path) -> None:
        rootfs.unmount_rootfs(directory)

    def update(self, container: Container, directory: Path, resources: Resources) -> None:
        command = self._tool.command(directory / "update.log", "update", "--resources", "-", container.id)
        described = orjson.dumps(config.resources(resources))
        result = subprocess.run(command, input=described, capture_output=True, check=False)
        if result.returncode != 0:
            raise RuntimeFailure(tool.failure(directory / "update.log", "update"))

    def usage(self, container: Container, directory: Path, pid: int) -> Usage | None:
        found = cgroups.usage(self._layout, self._group(container))
        if found is None:
            return None
        return Usage(
            cpu_seconds=found.cpu_seconds,
            memory_bytes=found.memory_bytes,
            processes=found.processes,
            written_bytes=rootfs.layer_bytes(directory),
        )

    # -- exec

    async def exec(
        self, container: Container, directory: Path, pid: int, arguments: Sequence[str], *, tty: bool, stdin: bool
    ) -> Streams:
        place = Path(tempfile.mkdtemp(prefix="exec-", dir=directory))
        own = orjson.loads((directory / _CONFIG).read_bytes())["process"]
        (place / "process.json").write_bytes(orjson.dumps(config.exec_process(own, arguments, tty=tty)))
        pid_file = place / _PID
        inside: list[int] = []
        try:
            streams = await run_child(
                self._tool.command(
                    place / _LOG, "exec", "--process", str(place / "process.json"), "--pid-file", str(pid_file),
                    container.id,
                ),
                tty=tty,
                stdin=stdin,
                environment={"PATH": os.environ.get("PATH", "")},
                kill=lambda process: _kill_inside(inside, process),
            )  # fmt: skip
            if not await self._started(streams, pid_file):
                await streams.close()
                raise StartFailed(tool.failure(place / _LOG, "exec"))
            inside.append(int(pid_file.read_text()))
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return streams

    async def _started(self, streams: ChildStreams, pid_file: Path) -> bool:
        """Whether the command runs or ran: the runtime writes its number once it does."""
        while not _written(pid_file):
            if streams.ended:
                return _written(pid_file)
            await self._clock.sleep(_POLL_SECONDS)
        return True


def _written(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _kill_inside(inside: Sequence[int], process: Process) -> None:
    """Kill the command, whose parent is the runtime's process that is still there; that one then ends by itself."""
    for pid in inside or [process.pid]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
