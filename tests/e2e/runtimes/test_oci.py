"""The oci runtime with the real runc: the contract of all runtimes, and what only real containers have.

Needs root, runc and busybox-static. The last check of every test: no mount, cgroup, process or directory is left.
"""

# ruff: noqa: ASYNC221, ASYNC240 -- a test's own event loop may wait for the disk

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from wherry.base.clock import RealClock
from wherry.node.images.store import ImageStore
from wherry.node.runtimes.oci.runtime import OciRuntime
from wherry.node.runtimes.port import (
    ContainerPhase,
    CreateFailed,
    Mount,
    Resources,
    Sandbox,
    Security,
    StartFailed,
)
from wherry.testing.images import busybox_archive
from wherry.testing.runtime_contract import (
    CHECKS,
    POLITE,
    SHORT,
    SLEEP,
    Bench,
    Check,
    Subject,
    read_all,
    read_log,
    run_check,
)

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    folder = tmp_path_factory.mktemp("images")
    store = ImageStore(folder / "store", clock=RealClock())
    store.import_path(busybox_archive(folder / "busybox.tar"))
    return store


@pytest.fixture
def subject(images: ImageStore, tmp_path: Path) -> Iterator[Subject]:
    group = f"wherry-test-{os.getpid()}"
    root = tmp_path / "state"
    yield Subject(
        make=lambda: OciRuntime(root=root, images=images, clock=RealClock(), cgroup=group),
        reference="busybox",
        logs=tmp_path,
        passes=asyncio.sleep,
    )
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    assert not [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if folder.endswith(group)]
    assert not list((root / "containers").iterdir())
    assert not list((root / "sandboxes").iterdir())
    assert not list((root / "runc").iterdir())
    shutil.rmtree(root)


@asynccontextmanager
async def bench_of(subject: Subject, **fields: object) -> AsyncIterator[Bench]:
    sandbox = Sandbox(pod_uid="u1", pod_name="p", pod_namespace="default", hostname="web-0", cgroup="burstable/podu1")
    sandbox = replace(sandbox, **fields)  # type: ignore[arg-type]
    bench = Bench(subject, subject.make(), sandbox)
    bench.runtime.on_change(bench.changes.append)
    await bench.runtime.open()
    try:
        await bench.runtime.create_sandbox(sandbox)
        yield bench
    finally:
        await bench.runtime.remove_sandbox("u1")
        await bench.runtime.close()


async def output_of(bench: Bench, script: str, **fields: object) -> str:
    """Run a script as a container to its end; what it said."""
    container_id = await bench.run(f"script-{time.monotonic_ns()}", ("sh", "-c", script), **fields)
    state = await bench.until_phase(container_id, ContainerPhase.EXITED)
    return "\n".join(record[3] for record in read_log(state.log_path))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_contract(check: Check, subject: Subject) -> None:
    await run_check(subject, check)


async def test_the_machines_own_root_is_an_image_without_its_secrets(subject: Subject) -> None:
    async with bench_of(replace(subject, reference="wherry.local/host")) as bench:
        said = await output_of(
            bench,
            "ls -A /root /home /tmp; ls /etc/shadow /etc/ssh/* /.dockerenv; touch /usr/x /root/x && echo wrote; id -un",
        )
    assert "wrote" in said
    assert said.endswith("root")
    for hidden in ("/etc/shadow", "/etc/ssh/*", "/.dockerenv"):
        assert f"{hidden}': No such file" in said
    assert not Path("/usr/x").exists()
    assert "/root:\n\n" in said or "/root:\n/home" in said


async def test_limits_hold_and_lack_of_memory_is_told(subject: Subject) -> None:
    async with bench_of(subject) as bench:
        limits = Resources(memory_limit_bytes=16 << 20, cpu_limit_milli=500, pids_limit=30)
        eater = await bench.run("eater", ("sh", "-c", "tail /dev/zero"), resources=limits)
        ended = await bench.until_phase(eater, ContainerPhase.EXITED)
        assert (ended.exit_code, ended.oom_killed, ended.reason) == (137, True, "OOMKilled")
        steady = await bench.run("steady", SLEEP, resources=limits)
        await bench.runtime.update(steady, replace(limits, memory_limit_bytes=32 << 20))
        streams = await bench.runtime.exec(
            steady,
            ("sh", "-c", "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null"),
        )
        assert (await read_all(streams))[0].strip() == str(32 << 20).encode()
        await streams.close()


async def test_who_the_process_is(subject: Subject) -> None:
    async with bench_of(subject) as bench:
        assert await output_of(bench, "id -u; id -g; id -G; echo $HOME", security=Security(user="app")) == (
            "1000\n1000\n1000 2000\n/home/app"
        )
        given = Security(user="1234", group=5678, supplemental_groups=(99,))
        assert await output_of(bench, "id -u; id -g; id -G", security=given) == "1234\n5678\n5678 99"
        with pytest.raises(CreateFailed, match="unable to find user nobody-here"):
            await bench.make("unknown", SLEEP, security=Security(user="nobody-here"))
        with pytest.raises(CreateFailed, match="runAsNonRoot"):
            await bench.make("root", SLEEP, security=Security(non_root=True))


async def test_what_the_process_may(subject: Subject) -> None:
    async with bench_of(subject) as bench:
        show = "grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status"
        plain = await output_of(bench, show)
        assert "00000000a80425fb" in plain
        assert "NoNewPrivs:\t0" in plain
        bare = Security(drop_capabilities=("ALL",), add_capabilities=("NET_BIND_SERVICE",), no_new_privileges=True)
        said = await output_of(bench, show, security=bare)
        assert "0000000000000400" in said
        assert "NoNewPrivs:\t1" in said
        assert "Read-only" in await output_of(bench, "touch /x 2>&1", security=Security(read_only_root=True))
        assert "Read-only" in await output_of(bench, "echo 1 > /proc/sys/kernel/shmmax 2>&1")
        privileged = await output_of(
            bench, "ls /dev | wc -l; mount -t tmpfs x /tmp && echo mounted", security=Security(privileged=True)
        )
        assert "mounted" in privileged


async def test_seccomp(subject: Subject) -> None:
    async with bench_of(subject) as bench:
        confined = Security(seccomp="runtime/default", add_capabilities=("SYS_TIME",))
        said = await output_of(bench, "grep Seccomp: /proc/self/status; unshare -U true 2>&1; date", security=confined)
        assert "Seccomp:\t2" in said
        assert "Operation not permitted" in said
        with pytest.raises(CreateFailed, match="seccomp"):
            await bench.make("missing", SLEEP, security=Security(seccomp="/nowhere/profile.json"))


async def test_volumes(subject: Subject, tmp_path: Path) -> None:
    folder = tmp_path / "volume"
    folder.mkdir()
    (folder / "file").write_text("content")
    mounts = (
        Mount(source=str(folder), target="/etc/config", read_only=True),
        Mount(source=str(folder), target="/data/deep"),
        Mount(source=str(folder / "file"), target="/etc/single"),
    )
    async with bench_of(subject) as bench:
        script = "cat /etc/config/file /etc/single; touch /etc/config/no 2>&1; echo new > /data/deep/new"
        said = await output_of(bench, script, mounts=mounts)
        assert said.startswith("contentcontent")
        assert "Read-only file system" in said
        with pytest.raises(CreateFailed, match="no such file or directory"):
            await bench.make("lost", SLEEP, mounts=(Mount(source="/no/such", target="/x"),))
    assert (folder / "new").read_text() == "new\n"


async def test_a_pod_shares_what_it_should(subject: Subject) -> None:
    name = f"wherry-test-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        async with bench_of(
            subject,
            network_namespace=f"/run/netns/{name}",
            share_process_namespace=True,
            sysctls={"net.ipv4.ip_unprivileged_port_start": "0", "kernel.shm_rmid_forced": "1"},
        ) as bench:
            first = await bench.run("first", POLITE)
            await bench.until_ready(first)
            script = (
                "hostname; ls /sys/class/net; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; ps; echo > /dev/shm/x"
            )
            said = await output_of(bench, script)
            assert said.startswith("web-0\nlo\n0\n")
            assert "pause" in said
            assert "trap 'exit 0' TERM" in said
            streams = await bench.runtime.exec(first, ("ls", "/dev/shm"))
            assert (await read_all(streams))[0] == b"x\n"
            await streams.close()
            with pytest.raises(CreateFailed, match="sysctl"):
                await bench.runtime.create_sandbox(replace(bench.sandbox, pod_uid="u2", sysctls={"vm.swappiness": "1"}))
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


async def test_the_machines_own_namespaces(subject: Subject) -> None:
    async with bench_of(subject, host_pid=True, host_ipc=True) as bench:
        script = f"test -d /proc/{os.getpid()} && echo sees; hostname; setsid sleep 4321 & sleep 0.1"
        said = await output_of(bench, script)
        assert said.splitlines() == ["sees", os.uname().nodename]
        assert b"4321" not in subprocess.run(["ps", "ax"], capture_output=True, check=True).stdout


async def test_terminals(subject: Subject) -> None:
    async with bench_of(subject) as bench:
        script = "tty; while read line; do stty size; echo got $line; done"
        container_id = await bench.run("term", ("sh", "-c", script), tty=True, stdin=True)
        streams = await bench.runtime.attach(container_id, stdin=True)
        assert streams.stdin is not None
        assert streams.stderr is None
        streams.resize(100, 40)
        await streams.stdin.write(b"hello\n")
        seen = b""
        while b"got hello" not in seen:
            seen += await streams.stdout.read()
        assert b"40 100" in seen
        await streams.close()
        inside = await bench.runtime.exec(container_id, ("sh", "-c", "tty; sleep 0.3; stty size"), tty=True, stdin=True)
        inside.resize(90, 30)
        out, _ = await read_all(inside)
        assert out.startswith(b"/dev/pts/")
        assert b"30 90" in out
        assert await inside.wait() == 0
        await inside.close()
        await bench.runtime.kill(container_id)


async def test_standard_input_once(subject: Subject) -> None:
    async with bench_of(subject) as bench:
        container_id = await bench.run("cat", ("sh", "-c", "cat; echo done"), stdin=True, stdin_once=True)
        streams = await bench.runtime.attach(container_id, stdin=True)
        assert streams.stdin is not None
        await streams.stdin.write(b"x" * 300_000)
        await streams.stdin.write_eof()
        out, err = await read_all(streams)
        assert out == b"x" * 300_000 + b"done\n"
        assert err == b""
        assert await streams.wait() == 0
        await streams.close()


async def test_log_rotation(subject: Subject) -> None:
    async with bench_of(subject) as bench:
        container_id = await bench.run(
            "loud", ("sh", "-c", "echo one; trap 'echo two' USR1; while :; do sleep 0.05; done")
        )
        log = Path(bench.runtime.container(container_id).log_path)
        await bench.until(lambda: "one" in log.read_text(), "the first line")
        log.rename(log.with_suffix(".1"))
        await bench.runtime.reopen_log(container_id)
        assert log.read_text() == ""
        await bench.runtime.kill(container_id, "USR1")
        await bench.until(lambda: "two" in log.read_text(), "the second line")


async def test_closing_exec_streams_kills_the_command(subject: Subject) -> None:
    async with bench_of(subject) as bench:
        container_id = await bench.run("host", SLEEP)
        streams = await bench.runtime.exec(container_id, ("sleep", "777"))
        await streams.close()
        streams = await bench.runtime.exec(container_id, ("ps",))
        assert b"777" not in (await read_all(streams))[0]
        await streams.close()


def shim_of(root: Path, container_id: str) -> int:
    """The process that holds the container's lock."""
    inode = (root / "containers" / container_id / "lock").stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if fields[5].endswith(f":{inode}"):
            return int(fields[4])
    raise AssertionError("nobody holds the lock")


def lives(pid: int) -> bool:
    """Whether it runs; one that is dead and only not waited for by the machine's init does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_killed_shim_takes_its_container_along(subject: Subject, tmp_path: Path) -> None:
    async with bench_of(subject) as bench:
        container_id = await bench.run("orphan", SLEEP)
        pid = bench.runtime.container(container_id).pid
        os.kill(shim_of(tmp_path / "state", container_id), signal.SIGKILL)
        ended = await bench.until_phase(container_id, ContainerPhase.EXITED)
        assert (ended.exit_code, "shim was killed" in ended.message) == (137, True)
        assert not lives(pid)
        await bench.restart_agent()
        assert bench.runtime.container(container_id).exit_code == 137


async def test_a_shim_killed_while_no_agent_looks(subject: Subject, tmp_path: Path) -> None:
    async with bench_of(subject) as bench:
        container_id = await bench.run("orphan", SLEEP)
        pid = bench.runtime.container(container_id).pid
        shim = shim_of(tmp_path / "state", container_id)
        await bench.runtime.close()
        os.kill(shim, signal.SIGKILL)
        await bench.restart_agent()
        assert bench.runtime.container(container_id).exit_code == 137
        assert not lives(pid)


async def test_leftovers_of_a_crash_are_cleared_away(subject: Subject, tmp_path: Path) -> None:
    """A creation that never ended: mounted, with a cgroup, but without its description."""
    async with bench_of(subject) as bench:
        container_id = await bench.run("half", SLEEP)
        pid = bench.runtime.container(container_id).pid
        await bench.runtime.close()
        (tmp_path / "state" / "containers" / container_id / "container.json").unlink()
        await bench.restart_agent()
        assert not bench.runtime.containers()
        assert not lives(pid)


async def test_three_containers_start_well_below_a_second(subject: Subject) -> None:
    async with bench_of(subject) as bench:
        began = time.monotonic()
        await asyncio.gather(*(bench.run(f"c{number}", SHORT) for number in range(3)))
        assert time.monotonic() - began < 2.0


async def test_a_command_that_is_no_program(subject: Subject) -> None:
    async with bench_of(subject) as bench:
        for command, text in (
            ("/no/such", 'exec: "/no/such": stat /no/such: no such file or directory'),
            ("/etc/passwd", 'exec: "/etc/passwd": permission denied'),
        ):
            container_id = await bench.make(command, (command,))
            with pytest.raises(StartFailed, match="OCI runtime create failed") as caught:
                await bench.runtime.start(container_id)
            assert text in str(caught.value)
            assert not read_log_or_empty(bench.runtime.container(container_id).log_path)


def read_log_or_empty(path: str) -> list[list[str]]:
    return read_log(path) if Path(path).exists() else []


async def test_an_oci_runtime_that_hangs_is_given_up(
    images: ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wherry.node.runtimes.supervised.runtime._START_SECONDS", 0.3)
    program = tmp_path / "hangs"
    program.write_text('#!/bin/sh\ncase "$*" in *--version*) echo runc version 1; exit;; esac\nexec sleep 98765\n')
    program.chmod(0o755)
    group = f"wherry-test-{os.getpid()}"
    make = lambda: OciRuntime(
        root=tmp_path / "state", images=images, clock=RealClock(), cgroup=group, program=str(program)
    )
    async with bench_of(Subject(make=make, reference="busybox", logs=tmp_path, passes=asyncio.sleep)) as bench:
        container_id = await bench.make("stuck", SLEEP)
        with pytest.raises(StartFailed, match="shim was killed"):
            await bench.runtime.start(container_id)
        assert bench.runtime.container(container_id).exit_code == 137
    assert b"98765" not in subprocess.run(["ps", "ax"], capture_output=True, check=True).stdout
