"""The bundle's config.json: from a container's description to what an OCI runtime is told. Pure.

Source: the OCI runtime specification v1.0.2; defaults as containerd's CRI plugin gives them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wherry.node.runtimes.oci import capabilities
from wherry.node.runtimes.oci.mounts import Facts as MountFacts
from wherry.node.runtimes.oci.mounts import mount_list, rootfs_propagation
from wherry.node.runtimes.port import Container, Resources, Security
from wherry.node.runtimes.users import User

Json = dict[str, Any]

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MASKED = (
    "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
    "/sys/devices/virtual/powercap",
)  # fmt: skip
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
PERIOD_MICROSECONDS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the generator must know of this machine and of the pod."""

    cgroup: str
    """The container's group, from the root of each hierarchy."""
    cgroup_v2: bool
    namespaces: Mapping[str, str | None]
    """Kind to path; None is a new one; a kind that is missing is the machine's own."""
    mounts: MountFacts
    capabilities: frozenset[str] = frozenset(capabilities.ALL)
    devices: Sequence[Json] = ()
    """The machine's device nodes, for privileged containers."""
    open_files: tuple[int, int] = (1024, 524_288)
    """Soft and hard limit of descriptors."""
    seccomp: Json | None = None


def bundle(container: Container, user: User, machine: Machine) -> Json:
    """The whole config.json. On cgroup v2 lack of memory ends the whole container, as the kubelet has it since 1.28."""
    security = container.security
    open_proc = security.privileged or security.unmasked_proc
    linux: Json = {
        "namespaces": [{"type": kind} | ({"path": path} if path else {}) for kind, path in machine.namespaces.items()],
        "cgroupsPath": f"/{machine.cgroup}",
        "resources": {
            **resources(container.resources),
            "devices": device_rules(privileged=security.privileged),
            **({"unified": {"memory.oom.group": "1"}} if machine.cgroup_v2 else {}),
        },
        "maskedPaths": [] if open_proc else list(MASKED),
        "readonlyPaths": [] if open_proc else list(READ_ONLY),
        "rootfsPropagation": rootfs_propagation(container.mounts),
    }
    if security.privileged:
        linux["devices"] = list(machine.devices)
    elif machine.seccomp is not None:
        linux["seccomp"] = machine.seccomp
    return {
        "ociVersion": "1.0.2",
        "process": process(container, user, machine),
        "root": {"path": "rootfs", "readonly": security.read_only_root},
        "mounts": mount_list(container, machine.mounts),
        "linux": linux,
    }


def process(container: Container, user: User, machine: Machine) -> Json:
    """The container's own process; `exec` changes arguments and terminal of it."""
    security = container.security
    names = granted(security, machine.capabilities)
    soft, hard = machine.open_files
    return {
        "terminal": container.tty,
        "user": {"uid": user.uid, "gid": user.gid, "additionalGids": list(user.groups)},
        "args": list(container.arguments),
        "env": environment(container, user, tty=container.tty),
        "cwd": container.working_directory or container.image.working_directory or "/",
        "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), names),
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": soft, "hard": hard}],
        "noNewPrivileges": security.no_new_privileges,
        "oomScoreAdj": oom_score(container.resources, machine),
    }


def oom_score(resources: Resources, machine: Machine) -> int:
    """How soon the kernel takes this process when memory is short; who may not lower it cannot start one below 0."""
    lowest = -1000 if "SYS_RESOURCE" in machine.capabilities else 0
    return max(lowest, resources.oom_score_adjust)


def granted(security: Security, available: frozenset[str]) -> list[str]:
    """The capabilities of the container's process, with `CAP_`."""
    return capabilities.effective(
        security.add_capabilities, security.drop_capabilities, privileged=security.privileged, available=available
    )


def exec_process(own: Json, arguments: Sequence[str], *, tty: bool) -> Json:
    """What one more command in the container is told, from its own process."""
    env = [*own["env"]]
    if tty and not any(entry.startswith("TERM=") for entry in env):
        env.append("TERM=xterm")
    return own | {"args": list(arguments), "terminal": tty, "env": env}


def environment(container: Container, user: User, *, tty: bool) -> list[str]:
    values = {"PATH": DEFAULT_PATH, "HOSTNAME": container.sandbox.hostname, "HOME": user.home}
    if tty:
        values["TERM"] = "xterm"
    values.update(container.environment)
    return [f"{name}={value}" for name, value in values.items()]


def resources(limits: Resources) -> Json:
    """Limits in the specification's units. Source: kubelet's MilliCPUToShares and MilliCPUToQuota."""
    cpu: Json = {"shares": max(2, limits.cpu_request_milli * 1024 // 1000)}
    if limits.cpu_limit_milli:
        cpu |= {
            "quota": max(1000, limits.cpu_limit_milli * PERIOD_MICROSECONDS // 1000),
            "period": PERIOD_MICROSECONDS,
        }
    result: Json = {"cpu": cpu}
    if limits.memory_limit_bytes:
        result["memory"] = {"limit": limits.memory_limit_bytes}
    if limits.pids_limit:
        result["pids"] = {"limit": limits.pids_limit}
    return result


def device_rules(*, privileged: bool) -> list[Json]:
    """Nothing but the runtime's own defaults (null, zero, full, random, tty, ptmx), or everything."""
    return [{"allow": privileged, "access": "rwm"}]
