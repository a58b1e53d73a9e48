"""What this machine can do: the facts behind `--runtime auto` and `wherry doctor`."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
MINIMUM_FREE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Check:
    """One fact: whether it is as wanted, what was found, and what to do where it is not.

    `needed_for` names what is lost without it; empty when nothing works without it.
    """

    name: str
    ok: bool
    found: str
    remedy: str = ""
    needed_for: str = ""


def which(command: str) -> str | None:
    return shutil.which(command, path=SEARCH_PATH)


def _tool(name: str, command: str, package: str, needed_for: str) -> Check:
    path = which(command)
    return Check(name, path is not None, path or "not found", f"apt-get install {package}", needed_for)


def _root() -> Check:
    root = os.geteuid() == 0
    return Check(
        "root", root, "yes" if root else f"user {os.geteuid()}", "run as root: sudo wherry up", "real containers"
    )


def _linux() -> Check:
    linux = sys.platform.startswith("linux")
    return Check(
        "Linux", linux, f"{platform.system()} {platform.release()}", "use a Linux machine or VM", "real containers"
    )


def _overlay() -> Check:
    try:
        known = "overlay" in Path("/proc/filesystems").read_text()
    except OSError:
        known = False
    return Check(
        "overlayfs", known, "in the kernel" if known else "unknown to the kernel", "modprobe overlay", "real containers"
    )


def cgroup_mode() -> str:
    """`v2`, `hybrid`, `v1` or `none`."""
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        return "v2"
    if (root / "unified" / "cgroup.controllers").exists():
        return "hybrid"
    return "v1" if (root / "memory").exists() else "none"


def _cgroups() -> Check:
    mode = cgroup_mode()
    return Check("cgroups", mode != "none", mode, "mount the cgroup file system", "resource limits of containers")


def oci_command() -> str | None:
    """The OCI runtime to use: runc, else crun; crun refuses hybrid cgroups."""
    if path := which("runc"):
        return path
    return which("crun") if cgroup_mode() in ("v2", "v1") else None


def _oci() -> Check:
    path = oci_command()
    return Check("runc or crun", path is not None, path or "not found", "apt-get install runc", "real containers")


def _disk(directory: Path) -> Check:
    while not directory.exists():
        directory = directory.parent
    free = shutil.disk_usage(directory).free
    return Check(
        "disk space",
        free >= MINIMUM_FREE_BYTES,
        f"{free // 2**20} MiB free in {directory}",
        "make room, or choose another place with --state-dir or WHERRY_HOME",
    )


def _python() -> Check:
    return Check("Python", sys.version_info >= (3, 11), platform.python_version(), "install Python 3.11 or newer")


def _kubectl() -> Check:
    path = which("kubectl")
    return Check(
        "kubectl", path is not None, path or "not found", "optional: `wherry get` and the like do its work", "kubectl"
    )


def port_in_use(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def checks(home: Path) -> list[Check]:
    """Everything `wherry doctor` shows, cheapest first."""
    tests: tuple[Callable[[], Check], ...] = (_python, _linux, _root, _oci, _overlay, _cgroups)
    results = [test() for test in tests]
    results.append(_tool("nftables", "nft", "nftables", "the pod network"))
    results.append(_tool("iproute2", "ip", "iproute2", "the pod network"))
    results.append(_disk(home))
    results.append(_kubectl())
    return results


def lacks_for_containers() -> list[Check]:
    """What stands in the way of real containers; empty when nothing does."""
    results = [test() for test in (_linux, _root, _oci, _overlay)]
    results.append(_tool("nftables", "nft", "nftables", "the pod network"))
    results.append(_tool("iproute2", "ip", "iproute2", "the pod network"))
    return [check for check in results if not check.ok]


_ROOM_BYTES = 1 << 16


def disk_is_full(directory: Path) -> bool:
    """Whether there is no room for anything to speak of."""
    return shutil.disk_usage(directory).free < _ROOM_BYTES


_OPEN_FILES = 65_536


def allow_many_files() -> None:
    """Raise the soft limit of open files as far as the hard one lets us: each connection is one, and shells set 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            pass  # macOS has limits of its own beside these
