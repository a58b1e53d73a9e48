"""Linux capabilities of containers. Source: capabilities(7); the default set is containerd's."""

from __future__ import annotations

from collections.abc import Sequence

ALL = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE",
    "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME",
    "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
    "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)  # fmt: skip
"""By number."""

DEFAULT = (
    "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
    "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
)  # fmt: skip


def effective(add: Sequence[str], drop: Sequence[str], *, privileged: bool, available: frozenset[str]) -> list[str]:
    """Names with `CAP_`, in the kernel's order. `ALL` in either list means all; what is added by name beats `drop: ALL`."""
    added = {_bare(name) for name in add}
    dropped = {_bare(name) for name in drop}
    chosen = set(ALL) if privileged or "ALL" in added else set(DEFAULT)
    if not privileged:
        chosen = set() if "ALL" in dropped else chosen - dropped
        chosen |= set(ALL) - dropped if "ALL" in added else added
    return [f"CAP_{name}" for name in ALL if name in chosen and name in available]


def _bare(name: str) -> str:
    return name.upper().removeprefix("CAP_")


def parse_available(status: str) -> frozenset[str]:
    """What can be given at all: the bounding set in the text of /proc/self/status."""
    for line in status.splitlines():
        if line.startswith("CapBnd:"):
            mask = int(line.split()[1], 16)
            return frozenset(name for number, name in enumerate(ALL) if mask >> number & 1)
    return frozenset(ALL)
