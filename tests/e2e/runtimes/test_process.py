"""The process runtime as root on Linux: volumes at their real places, and nothing of the machine touched."""

# ruff: noqa: ASYNC240 -- a test's own event loop may wait for the disk

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from wherry.base.clock import RealClock
from wherry.node.runtimes.port import ContainerPhase, CreateFailed, Mount, Sandbox, Security
from wherry.node.runtimes.process.runtime import ProcessRuntime
from wherry.testing.runtime_contract import CHECKS, SLEEP, Bench, Check, Subject, read_all, read_log, run_check

pytestmark = pytest.mark.root


def subject_in(folder: Path, *, private_mounts: bool | None = True) -> Subject:
    return Subject(
        make=lambda: ProcessRuntime(root=folder / "state", clock=RealClock(), private_mounts=private_mounts),
        reference="wherry.local/host",
        logs=folder,
        passes=asyncio.sleep,
    )


@asynccontextmanager
async def bench_of(subject: Subject) -> AsyncIterator[Bench]:
    bench = Bench(subject, subject.make(), Sandbox(pod_uid="u1", pod_name="p", pod_namespace="d", hostname="web-0"))
    await bench.runtime.open()
    try:
        await bench.runtime.create_sandbox(bench.sandbox)
        yield bench
    finally:
        await bench.runtime.remove_sandbox("u1")
        await bench.runtime.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_contract_with_private_mounts(check: Check, tmp_path: Path) -> None:
    await run_check(subject_in(tmp_path), check)


async def volume_of(tmp_path: Path) -> Path:
    folder = tmp_path / "volume"
    folder.mkdir()
    (folder / "file").write_text("content\n")
    return folder


async def test_volumes_are_where_the_pod_says(tmp_path: Path) -> None:
    folder = await volume_of(tmp_path)
    mounts = (
        Mount(source=str(folder), target="/etc/wherry-test/config", read_only=True),
        Mount(source=str(folder), target="/wherry-test/deep/data"),
        Mount(source=str(folder / "file"), target="/etc/hostname"),
        Mount(source=str(folder / "file"), target="/wherry-test/deep/data/inner/file"),
    )
    script = (
        "cat /etc/wherry-test/config/file /etc/hostname /wherry-test/deep/data/inner/file; "
        "touch /etc/wherry-test/config/x 2>&1; echo new > /wherry-test/deep/data/new; cat /etc/passwd | head -1; ls /proc/self/exe"
    )
    before = Path("/proc/self/mountinfo").read_text()
    async with bench_of(subject_in(tmp_path)) as bench:
        container_id = await bench.run("volumes", ("sh", "-c", script + "; sleep 1000"), mounts=mounts)
        log = Path(bench.runtime.container(container_id).log_path)
        await bench.until(lambda: "/proc/self/exe" in log.read_text(), "the last line")
        said = [record[3] for record in read_log(str(log))]
        assert said[:3] == ["content"] * 3
        assert "Read-only file system" in said[3]
        assert said[4].startswith("root:")
        streams = await bench.runtime.exec(container_id, ("cat", "/etc/wherry-test/config/file"))
        assert await read_all(streams) == (b"content\n", b"")
        await streams.close()
    assert (folder / "new").read_text() == "new\n"
    assert not Path("/wherry-test").exists()
    assert not Path("/etc/wherry-test").exists()
    assert Path("/proc/self/mountinfo").read_text() == before


async def test_without_private_mounts_paths_are_rewritten(tmp_path: Path) -> None:
    folder = await volume_of(tmp_path)
    mounts = (Mount(source=str(folder), target="/etc/wherry-test"),)
    async with bench_of(subject_in(tmp_path, private_mounts=False)) as bench:
        container_id = await bench.run(
            "rewritten",
            ("sh", "-c", "cat /etc/wherry-test/file $FILE $WHERRY_ROOT/etc/wherry-test/file"),
            mounts=mounts,
            environment=(("FILE", "/etc/wherry-test/file"), ("PATH", "/usr/bin:/bin")),
        )
        ended = await bench.until_phase(container_id, ContainerPhase.EXITED)
        assert [record[3] for record in read_log(ended.log_path)] == ["content"] * 3


async def test_root_can_become_who_the_pod_says(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    async with bench_of(subject_in(tmp_path)) as bench:
        container_id = await bench.run(
            "who", ("sh", "-c", "id -u; id -G"), working_directory="/", security=Security(user="12345", group=54321)
        )
        ended = await bench.until_phase(container_id, ContainerPhase.EXITED)
        assert [record[3] for record in read_log(ended.log_path)] == ["12345", "54321"]
        with pytest.raises(CreateFailed, match="runAsNonRoot"):
            await bench.make("no", SLEEP, security=Security(non_root=True))


async def test_other_images_are_refused_with_a_way_out(tmp_path: Path) -> None:
    from wherry.node.runtimes.port import Image, ImageMissing

    async with bench_of(subject_in(tmp_path)) as bench:
        with pytest.raises(ImageMissing, match="nodes with the runtime `oci`"):
            await bench.runtime.images.pull("nginx")
        with pytest.raises(CreateFailed, match=r"runs only wherry\.local/host"):
            await bench.make("nginx", SLEEP, image=Image(id="sha256:1", names=("nginx",), size_bytes=1))
