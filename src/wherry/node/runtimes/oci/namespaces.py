"""What the containers of a pod share: IPC and UTS namespaces pinned to files, /dev/shm, and a PID namespace if asked.

A namespace lives as long as something holds it. Here that is a bind mount of its file in the sandbox's directory, so no
process is needed; only a shared PID namespace needs one, its init (see `holder.py`).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

from wherry.node.runtimes.oci.threads import in_thread
from wherry.node.runtimes.port import CreateFailed, Sandbox
from wherry.node.runtimes.shim import system
from wherry.node.runtimes.supervised.nursery import isolated_python

_HOLDER = "import sys; sys.path.insert(0, sys.argv[1]); from wherry.node.runtimes.oci.holder import main; main()"
_SHM_OPTIONS = "mode=1777,size=65536k"
_NOSUID_NODEV_NOEXEC = 2 | 4 | 8


def make(sandbox: Sandbox, directory: Path) -> None:
    """Repeatable: what is there stays. Raises `CreateFailed` or `OSError`."""
    (directory / "ns").mkdir(exist_ok=True)
    (directory / "hostname").write_text(sandbox.hostname + "\n")
    wanted = [name for name in ("uts", "ipc") if not is_host(sandbox, name)]
    if any(not _is_pinned(directory, name) for name in wanted):
        in_thread(lambda: _unshare_and_pin(sandbox, directory, wanted))
    if not sandbox.host_ipc and not os.path.ismount(directory / "shm"):
        (directory / "shm").mkdir(exist_ok=True)
        system.mount("shm", str(directory / "shm"), "tmpfs", _NOSUID_NODEV_NOEXEC, _SHM_OPTIONS)
    if sandbox.share_process_namespace and not sandbox.host_pid and not _is_pinned(directory, "pid"):
        _hold_pid_namespace(directory)


def is_host(sandbox: Sandbox, name: str) -> bool:
    """Whether the pod uses the machine's own namespace of that kind. As upstream: host network means host name too."""
    if name == "uts":
        return sandbox.network_namespace is None
    return {"ipc": sandbox.host_ipc, "pid": sandbox.host_pid, "network": sandbox.network_namespace is None}[name]


def pinned(directory: Path, name: str) -> Path:
    return directory / "ns" / name


def _is_pinned(directory: Path, name: str) -> bool:
    return os.path.ismount(pinned(directory, name))


def _unshare_and_pin(sandbox: Sandbox, directory: Path, wanted: list[str]) -> None:
    kinds = {"uts": system.CLONE_NEWUTS, "ipc": system.CLONE_NEWIPC}
    if sandbox.network_namespace is not None:
        descriptor = os.open(sandbox.network_namespace, os.O_RDONLY)
        try:
            system.setns(descriptor)
        finally:
            os.close(descriptor)
    system.unshare(sum(kinds[name] for name in wanted))
    if "uts" in wanted:
        socket.sethostname(sandbox.hostname)
    _set_sysctls(sandbox)
    for name in wanted:
        pinned(directory, name).touch()
        if not _is_pinned(directory, name):
            own = f"/proc/self/task/{threading.get_native_id()}/ns/{name}"
            system.mount(own, str(pinned(directory, name)), flags=system.MS_BIND)


def _set_sysctls(sandbox: Sandbox) -> None:
    """Only those that belong to a namespace of the pod: /proc/sys shows them to the thread that is in it."""
    for name, value in sandbox.sysctls.items():
        kind = sysctl_namespace(name)
        if kind is None or is_host(sandbox, kind):
            raise CreateFailed(f'sysctl "{name}" is not in a namespace of the pod')
        path = Path("/proc/sys", *name.replace("/", ".").split("."))
        try:
            path.write_text(value)
        except OSError as error:
            raise CreateFailed(f'cannot set sysctl "{name}" to "{value}": {error.strerror}') from error


def sysctl_namespace(name: str) -> str | None:
    """Which namespace a sysctl belongs to, as Kubernetes groups them. Pure."""
    name = name.replace("/", ".")
    if name.startswith("net."):
        return "network"
    if name.startswith(("kernel.shm", "kernel.msg", "fs.mqueue.")) or name == "kernel.sem":
        return "ipc"
    return None


def _hold_pid_namespace(directory: Path) -> None:
    place = pinned(directory, "pid")
    place.touch()
    result = subprocess.run(
        isolated_python(_HOLDER, str(place)), capture_output=True, text=True, check=False, start_new_session=True
    )
    if result.returncode != 0:
        raise CreateFailed(f"cannot make a process namespace: {result.stderr.strip()}")
    (directory / "holder").write_text(result.stdout)


def remove(directory: Path) -> None:
    """Repeatable; whatever part of it was made."""
    _end_holder(directory)
    for place in (*(pinned(directory, name) for name in ("uts", "ipc", "pid")), directory / "shm"):
        while os.path.ismount(place):
            system.unmount(str(place))


def _end_holder(directory: Path) -> None:
    """Kill the namespace's init, and with it all that is inside; its number alone could mean another process by now."""
    try:
        pid = int((directory / "holder").read_text())
        same = os.stat(f"/proc/{pid}/ns/pid").st_ino == os.stat(pinned(directory, "pid")).st_ino
        if same:
            os.kill(pid, signal.SIGKILL)
    except (OSError, ValueError):
        return
