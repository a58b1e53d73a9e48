"""What the machine is and has, as the node's status tells it. Reads /proc and /etc; what is not there is left out."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "armv7l": "arm"}


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def architecture() -> str:
    """As Go names it: `amd64`."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


@dataclass(frozen=True)
class Machine:
    """This machine. `root` is where pods' files are kept: its file system is the ephemeral storage."""

    root: Path

    @cached_property
    def memory_bytes(self) -> int:
        return self._memory("MemTotal") or 1 << 30

    def _memory(self, name: str) -> int:
        for line in _read("/proc/meminfo").splitlines():
            key, _, value = line.partition(":")
            if key == name:
                return int(value.split()[0]) * 1024
        return 0

    def memory_available_bytes(self) -> int:
        return self._memory("MemAvailable") or self.memory_bytes

    @property
    def cpus(self) -> int:
        return os.cpu_count() or 1

    def storage_bytes(self) -> tuple[int, int]:
        """Size and what is available of the file system."""
        try:
            found = os.statvfs(self.root)
        except OSError:
            return 0, 0
        return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize

    def processes_left(self) -> int:
        """How many more processes the kernel would let start."""
        limit = int(_read("/proc/sys/kernel/pid_max") or 32768)
        fields = _read("/proc/loadavg").split()
        running = int(fields[3].partition("/")[2]) if len(fields) > 3 else 0
        return limit - running

    @cached_property
    def info(self) -> Mapping[str, str]:
        """The part of `nodeInfo` that is about the machine."""
        system = platform.uname()
        return {
            "machineID": _read("/etc/machine-id"),
            "systemUUID": _read("/sys/class/dmi/id/product_uuid") or _read("/etc/machine-id"),
            "bootID": _read("/proc/sys/kernel/random/boot_id"),
            "kernelVersion": system.release,
            "osImage": _os_image() or f"{system.system} {system.release}",
            "operatingSystem": system.system.lower(),
            "architecture": architecture(),
        }


def _os_image() -> str:
    for line in _read("/etc/os-release").splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip('"')
    return ""
