"""What a node needs of a container runtime.

What always holds: containers outlive the node agent (a shim per container keeps its output and its exit status on disk),
so a new agent finds them with `containers()` and goes on; every call may be repeated; cancelling a call leaves the
container in a state that `containers()` reports truthfully.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from wherry.wire.messages import ByteStream


class RuntimeFailure(Exception):
    """The tree: RuntimeFailure > ImageMissing, ImageInvalid, CreateFailed, StartFailed, ContainerMissing."""


class ImageMissing(RuntimeFailure):
    """No such image here; the message says how to import it."""


class ImageInvalid(RuntimeFailure):
    """The archive or layout cannot be used; the message says what is wrong with it."""


class CreateFailed(RuntimeFailure):
    """The container could not be made (bad mount, no such user, ...)."""


class StartFailed(RuntimeFailure):
    """The container was made but its command could not be started (not found, not executable, ...)."""


class ContainerMissing(RuntimeFailure):
    """No container of that id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that is here: what `wherry image list` and the node's status show."""

    id: str
    """`sha256:...` of its configuration."""
    names: tuple[str, ...]
    size_bytes: int
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    working_directory: str = ""
    user: str = ""
    stop_signal: str = ""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Login:
    """Who one is at a registry."""

    user: str
    password: str = field(repr=False)


class Images(Protocol):
    """The node's images. `wherry.local/host` is always among them for runtimes that have it."""

    def list(self) -> Sequence[Image]: ...

    def find(self, reference: str) -> Image | None:
        """By any name (with the defaults `docker.io/library/` and `:latest`), digest or id."""

    async def pull(self, reference: str, login: Login | None = None) -> Image:
        """Bring an image here, as nobody in particular unless told. Raises `ImageMissing` when it cannot be had."""

    async def remove(self, reference: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """What the containers of one pod share. `network_namespace` is a path; None is the host's network."""

    pod_uid: str
    pod_name: str
    pod_namespace: str
    hostname: str
    network_namespace: str | None = None
    host_pid: bool = False
    host_ipc: bool = False
    share_process_namespace: bool = False
    sysctls: Mapping[str, str] = field(default_factory=dict)
    cgroup: str = ""
    """Path below the node's cgroup, as in `burstable/pod<uid>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A host path that is seen inside the container."""

    source: str
    target: str
    read_only: bool = False
    propagation: str = "rprivate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Limits in the units of the API, already converted: milli-CPUs and bytes; None is no limit."""

    cpu_request_milli: int = 0
    cpu_limit_milli: int | None = None
    memory_request_bytes: int = 0
    memory_limit_bytes: int | None = None
    pids_limit: int | None = None
    oom_score_adjust: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """The effective security context of one container (pod and container level merged)."""

    user: str = ""
    """Empty: the image's. Else `uid`, or a name that the image knows."""
    group: int | None = None
    supplemental_groups: tuple[int, ...] = ()
    privileged: bool = False
    read_only_root: bool = False
    no_new_privileges: bool = False
    add_capabilities: tuple[str, ...] = ()
    drop_capabilities: tuple[str, ...] = ()
    seccomp: str = "unconfined"
    """`unconfined`, `runtime/default` or a profile's absolute path."""
    unmasked_proc: bool = False
    non_root: bool = False
    """Refuse to start as uid 0 (`runAsNonRoot`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """All that is needed to make one container, already resolved: no reference to the API is left in it."""

    id: str
    """Chosen by the caller: 64 hexadecimal digits."""
    sandbox: Sandbox
    name: str
    attempt: int
    image: Image
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    working_directory: str = ""
    mounts: tuple[Mount, ...] = ()
    resources: Resources = Resources()
    security: Security = Security()
    log_path: str
    """File in CRI log format: `<RFC3339Nano> stdout|stderr F|P <text>`."""
    tty: bool = False
    stdin: bool = False
    stdin_once: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "SIGTERM"


class ContainerPhase(StrEnum):
    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerState:
    """A container as it is now. Times are seconds since 1970; 0 is not yet. `labels` and `attempt` are as created."""

    id: str
    pod_uid: str
    name: str
    attempt: int
    phase: ContainerPhase
    image_id: str
    image_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    pid: int = 0
    created_at: float = 0.0
    started_at: float = 0.0
    finished_at: float = 0.0
    exit_code: int = 0
    signal: int = 0
    oom_killed: bool = False
    reason: str = ""
    """Of an ended one: `Completed`, `Error`, `OOMKilled`, `StartError` (never ran; exit code 128)."""
    message: str = ""
    log_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a container uses now. CPU is the total since start, in seconds."""

    cpu_seconds: float
    memory_bytes: int
    processes: int = 0
    written_bytes: int = 0


class Streams(Protocol):
    """A process inside a container with its standard streams, for exec and attach.

    With a terminal there is no `stderr`: both come as `stdout`.
    """

    stdin: ByteStream | None
    stdout: ByteStream
    stderr: ByteStream | None

    def resize(self, columns: int, rows: int) -> None:
        """Tell the terminal's size; nothing without one."""

    async def wait(self) -> int:
        """The exit code (128 + n when killed by signal n). For attach: when the container ends."""

    async def close(self) -> None:
        """Drop the streams; an exec'd process is killed, an attached container goes on."""


class Runtime(Protocol):
    """Makes, runs and removes containers. `create` then `start`, as in CRI."""

    name: str
    """`oci`, `process`, `fake`."""
    version: str

    @property
    def images(self) -> Images: ...

    async def open(self) -> None:
        """Get ready: check the machine, find again what runs. Raises `RuntimeFailure` with what is missing."""

    async def close(self) -> None:
        """Let go without touching the containers."""

    def on_change(self, callback: Callable[[ContainerState], None]) -> None:
        """Call back in the event loop whenever a container starts or ends, so that nobody needs to poll."""

    async def create_sandbox(self, sandbox: Sandbox) -> None: ...

    async def remove_sandbox(self, pod_uid: str) -> None:
        """Remove what the pod's containers shared, and all its containers, running or not."""

    def sandboxes(self) -> Mapping[str, Sandbox]:
        """By pod uid, those that exist."""

    async def create(self, container: Container) -> None:
        """Raises `CreateFailed`, `ImageMissing`."""

    async def start(self, container_id: str) -> None:
        """Raises `StartFailed`, with upstream's wording where the command cannot be run."""

    async def kill(self, container_id: str, signal: str = "SIGKILL") -> None:
        """Send a signal; nothing happens if it has already ended."""

    async def remove(self, container_id: str) -> None:
        """Kill it if it runs, and forget it. The log file stays."""

    def containers(self) -> Sequence[ContainerState]:
        """All of them, those that ended too; from memory."""

    def container(self, container_id: str) -> ContainerState:
        """Raises `ContainerMissing`."""

    async def update(self, container_id: str, resources: Resources) -> None:
        """Change the limits of a running container."""

    async def exec(
        self, container_id: str, arguments: Sequence[str], *, tty: bool = False, stdin: bool = False
    ) -> Streams:
        """Run a command in a running container. Raises `ContainerMissing`, `StartFailed`."""

    async def attach(self, container_id: str, *, stdin: bool = False) -> Streams:
        """Join the streams of the container's own process."""

    async def reopen_log(self, container_id: str) -> None:
        """Go on in a new file at `log_path`, after somebody renamed the old one (log rotation)."""

    async def usage(self, container_id: str) -> Usage | None:
        """None when it does not run or cannot be told."""


PortDialer = Callable[[str, int], Awaitable[ByteStream]]
"""Opens a TCP connection to an address and port as seen from inside a pod or a node."""
