"""From a container's description to config.json."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from wherry.node.runtimes.oci import config, seccomp
from wherry.node.runtimes.oci.capabilities import ALL, DEFAULT, effective, parse_available
from wherry.node.runtimes.oci.mounts import Facts
from wherry.node.runtimes.oci.tool import last_error, parse_version
from wherry.node.runtimes.port import Container, CreateFailed, Image, Mount, Resources, Sandbox, Security
from wherry.node.runtimes.users import User

EVERY = frozenset(ALL)
CONTAINER = Container(
    id="a" * 64,
    sandbox=Sandbox(pod_uid="u", pod_name="p", pod_namespace="d", hostname="web-0"),
    name="c",
    attempt=0,
    image=Image(id="sha256:1", names=("x",), size_bytes=1, working_directory="/srv"),
    arguments=("run", "--fast"),
    environment=(("A", "1"), ("PATH", "/bin")),
    log_path="/log",
)
MACHINE = config.Machine(
    cgroup="wherry/n1/podu/a",
    cgroup_v2=False,
    namespaces={"mount": None, "pid": None, "network": "/run/netns/x"},
    mounts=Facts(shm="/s/shm", hostname_file="/s/hostname"),
)


def bundle(**fields: Any) -> dict[str, Any]:
    return config.bundle(replace(CONTAINER, **fields), User(uid=7, gid=8, groups=(8, 9), home="/h"), MACHINE)


def test_the_process() -> None:
    process = bundle()["process"]
    assert process["args"] == ["run", "--fast"]
    assert process["env"] == ["PATH=/bin", "HOSTNAME=web-0", "HOME=/h", "A=1"]
    assert process["cwd"] == "/srv"
    assert process["user"] == {"uid": 7, "gid": 8, "additionalGids": [8, 9]}
    assert bundle(tty=True)["process"]["env"][-2:] == ["TERM=xterm", "A=1"]
    inside = config.exec_process(process, ["sh"], tty=True)
    assert (inside["args"], inside["terminal"], inside["env"][-1]) == (["sh"], True, "TERM=xterm")


def test_who_may_not_lower_its_own_score_starts_important_containers_with_none() -> None:
    important = replace(CONTAINER, resources=Resources(oom_score_adjust=-997))
    without = replace(MACHINE, capabilities=MACHINE.capabilities - {"SYS_RESOURCE"})
    scores = [config.process(important, User(), machine)["oomScoreAdj"] for machine in (MACHINE, without)]
    assert scores == [-997, 0]


def test_namespaces_and_group() -> None:
    linux = bundle()["linux"]
    assert linux["namespaces"] == [{"type": "mount"}, {"type": "pid"}, {"type": "network", "path": "/run/netns/x"}]
    assert linux["cgroupsPath"] == "/wherry/n1/podu/a"
    assert "/proc/kcore" in linux["maskedPaths"]
    assert "seccomp" not in linux
    assert "unified" not in linux["resources"]
    v2 = config.bundle(CONTAINER, User(), replace(MACHINE, cgroup_v2=True))
    assert v2["linux"]["resources"]["unified"] == {"memory.oom.group": "1"}


def test_privileged() -> None:
    described = bundle(security=Security(privileged=True))
    assert described["linux"]["maskedPaths"] == []
    assert described["linux"]["resources"]["devices"] == [{"allow": True, "access": "rwm"}]
    assert len(described["process"]["capabilities"]["effective"]) == len(ALL)
    sysfs = next(mount for mount in described["mounts"] if mount["destination"] == "/sys")
    assert "rw" in sysfs["options"]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Resources(), {"cpu": {"shares": 2}}),
        (Resources(cpu_request_milli=250), {"cpu": {"shares": 256}}),
        (Resources(cpu_limit_milli=1500), {"cpu": {"shares": 2, "quota": 150_000, "period": 100_000}}),
        (Resources(cpu_limit_milli=1), {"cpu": {"shares": 2, "quota": 1000, "period": 100_000}}),
        (Resources(memory_limit_bytes=5, pids_limit=6), {"cpu": {"shares": 2}, "memory": {"limit": 5}, "pids": {"limit": 6}}),
    ],
)  # fmt: skip
def test_limits(limits: Resources, expected: dict[str, Any]) -> None:
    assert config.resources(limits) == expected


def test_volumes_come_last_and_the_deepest_last_of_all() -> None:
    described = bundle(
        mounts=(
            Mount(source="/v2", target="/data/sub/", read_only=True),
            Mount(source="/v1", target="/data", propagation="rslave"),
            Mount(source="/own", target="/dev/shm"),
        )
    )
    volumes = [(mount["destination"], mount["source"], mount["options"]) for mount in described["mounts"][-3:]]
    assert volumes == [
        ("/data", "/v1", ["rbind", "rslave", "rw"]),
        ("/data/sub", "/v2", ["rbind", "rprivate", "ro"]),
        ("/dev/shm", "/own", ["rbind", "rprivate", "rw"]),
    ]
    assert [mount["destination"] for mount in described["mounts"]].count("/dev/shm") == 1
    assert described["linux"]["rootfsPropagation"] == "rslave"


def test_capabilities() -> None:
    def bare(*add: str, drop: tuple[str, ...] = (), available: frozenset[str] = EVERY) -> set[str]:
        names = effective(add, drop, privileged=False, available=available)
        return {name.removeprefix("CAP_") for name in names}

    assert bare() == set(DEFAULT)
    assert bare("sys_time", drop=("KILL",)) == {*DEFAULT, "SYS_TIME"} - {"KILL"}
    assert bare("CAP_NET_ADMIN", drop=("ALL",)) == {"NET_ADMIN"}
    assert bare("ALL", drop=("SYS_ADMIN",)) == set(ALL) - {"SYS_ADMIN"}
    assert bare("ALL", available=frozenset({"CHOWN"})) == {"CHOWN"}
    assert parse_available("Name:\tx\nCapBnd:\t0000000000000021\n") == {"CHOWN", "KILL"}


def test_seccomp() -> None:
    profile = seccomp.profile("runtime/default", [])
    assert profile is not None
    allowed = set(profile["syscalls"][0]["names"])
    assert {"read", "execve", "futex", "openat2"} <= allowed
    assert not allowed & {"mount", "kexec_load", "bpf", "io_uring_setup", "keyctl", "init_module", "clone"}
    assert {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38} in profile["syscalls"]
    strong = seccomp.default_profile(["CAP_SYS_ADMIN"])
    assert {"mount", "clone", "clone3", "unshare"} <= set(strong["syscalls"][0]["names"])
    assert seccomp.profile("unconfined", []) is None
    with pytest.raises(CreateFailed, match="cannot load seccomp profile"):
        seccomp.profile("/no/such", [])


def test_what_the_runtime_says() -> None:
    assert parse_version("runc version 1.1.5+ds1\ncommit: x\n") == "runc 1.1.5+ds1"
    assert parse_version("crun version 1.14\ncommit: x") == "crun 1.14"
    lines = ['{"level":"warning","msg":"w"}', "noise", '{"level":"error","msg":"runc run failed: why"}']
    assert last_error(lines) == "runc create failed: why"
    assert last_error([]) == ""
