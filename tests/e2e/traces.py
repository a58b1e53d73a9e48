"""What a cluster leaves on a machine: everything that could be found of it, by its name, its number and its directory."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def traces(name: str, home: Path, index: int) -> list[str]:
    """One line per trace; empty when nothing is left. `index` is the cluster's, from its `cluster.json`."""
    return [
        *(f"process {found}" for found in _processes(str(home), name)),
        *(f"mount {line.split()[4]}" for line in _lines("/proc/self/mountinfo") if f"{home}/{name}/" in line),
        *(f"namespace {entry}" for entry in _entries("/run/netns") if entry.startswith(f"wherry{index}.{name}.")),
        *(f"link {link}" for _, link in socket.if_nameindex() if re.fullmatch(rf"wherry{index}(-\d+)?", link)),
        *(f"table {line}" for line in _said("nft", "list", "tables") if line.endswith(f"wherry_{index}")),
        *(f"route {line}" for line in _said("ip", "route") if f" wherry{index} " in f"{line} "),
        *(f"cgroup {path}" for path in Path("/sys/fs/cgroup").glob(f"**/wherry{index}-{name}")),
        *(
            f"context in {home / 'kubeconfig'}"
            for line in _lines(home / "kubeconfig")
            if line.endswith(f" wherry-{name}")
        ),
        *(f"file {path}" for path in sorted(home.glob(f"**/{name}/**"))[:10]),
        *_machine_wide(),
    ]


def _machine_wide() -> Iterator[str]:
    """What clusters share, and the last of them puts back."""
    if any(re.fullmatch(r"wherry\d+", link) for _, link in socket.if_nameindex()):
        return
    if Path("/run/wherry.ip_forward").exists():
        yield "file /run/wherry.ip_forward"


def _processes(home: str, name: str) -> Iterator[str]:
    """Processes that were started for the cluster by a command, or that use something in its directory."""
    ours = _ancestors()
    place = f"{home}/{name}/"
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) not in ours:
            with suppress(OSError):
                words, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
                links = [os.readlink(link) for link in (entry / "cwd", entry / "root", *(entry / "fd").iterdir())]
                started = name.encode() in words.split(b"\0") and home.encode() in environment
                if started or place.encode() in words or any(link.startswith(place) for link in links):
                    yield f"{entry.name} {words[:80]!r}"


def _ancestors() -> set[int]:
    pid, found = os.getpid(), set()
    while pid > 1:
        found.add(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return found


def _lines(path: str | Path) -> list[str]:
    with suppress(OSError):
        return Path(path).read_text().splitlines()
    return []


def _entries(path: str) -> list[str]:
    with suppress(OSError):
        return os.listdir(path)
    return []


def _said(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
