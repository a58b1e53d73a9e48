"""A cluster for a benchmark: started by the real command, in a directory of its own, gone afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_NAME = "bench"


@dataclass(frozen=True, slots=True)
class Cluster:
    """`environment` makes `wherry` and kubectl find it; `seconds` is how long `wherry up` took as a whole process."""

    home: Path
    environment: dict[str, str]
    seconds: float

    @property
    def kubeconfig(self) -> Path:
        return self.home / _NAME / "kubeconfig"

    @property
    def ca(self) -> Path:
        return self.home / _NAME / "pki" / "ca.crt"

    def wherry(self, *arguments: str) -> str:
        return run(arguments, self.environment)

    def pid(self) -> int:
        return int((self.home / _NAME / "run.lock").read_text())

    def stop(self) -> None:
        self.wherry("stop", _NAME, "--grace", "0")

    def start(self, *options: str) -> float:
        began = time.monotonic()
        self.wherry("start", _NAME, *options)
        return time.monotonic() - began


def run(arguments: tuple[str, ...], environment: dict[str, str]) -> str:
    """Run the command; raises `RuntimeError` with what it said when it fails."""
    command = [sys.executable, "-m", "wherry", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def environment_of(home: Path, kubeconfig: Path) -> dict[str, str]:
    """For the product as it is installed: with compiled files, in a home of its own."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "WHERRY_HOME": str(home), "KUBECONFIG": str(kubeconfig)}


@contextmanager
def cluster(*options: str) -> Iterator[Cluster]:
    """`wherry up bench OPTIONS`, and `wherry down` at the end whatever happens."""
    with tempfile.TemporaryDirectory(prefix="wherry-bench-") as directory:
        home = Path(directory)
        environment = environment_of(home, home / "user-kubeconfig")
        began = time.monotonic()
        try:
            run(("up", _NAME, *options), environment)
            yield Cluster(home, environment, time.monotonic() - began)
        finally:
            run(("down", _NAME), environment)


def processes(root: int) -> list[int]:
    """A process and everything below it, and all that share its session."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := _parent(int(entry.name))) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        return None


def proportional_set_size(pids: list[int]) -> float:
    """MiB of memory, shared pages divided among those who share them."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def cpu_seconds(pids: list[int]) -> float:
    """User and system time that the processes have used so far."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
