"""The node agent is killed with SIGKILL; what it ran goes on, and a new agent finds it."""

# ruff: noqa: ASYNC240, ASYNC221 -- a test's own event loop may wait

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wherry.base.clock import RealClock
from wherry.node.images.store import ImageStore
from wherry.node.runtimes.oci.runtime import OciRuntime
from wherry.node.runtimes.port import ContainerPhase, Runtime
from wherry.node.runtimes.process.runtime import ProcessRuntime

pytestmark = pytest.mark.root

_AGENT = """
import asyncio, os, signal, sys
from pathlib import Path
from wherry.node.runtimes.port import Container, Sandbox
from test_agent_killed import make

async def main():
    folder = Path(sys.argv[2])
    runtime = make(sys.argv[1], folder, sys.argv[3])
    await runtime.open()
    sandbox = Sandbox(pod_uid="u1", pod_name="p", pod_namespace="d", hostname="h")
    await runtime.create_sandbox(sandbox)
    image = await runtime.images.pull("wherry.local/host")
    for number, script in enumerate(("while :; do echo tick; sleep 0.05; done", "sleep 0.5; exit 7")):
        await runtime.create(Container(
            id=str(number) * 64, sandbox=sandbox, name=f"c{number}", attempt=0, image=image,
            arguments=("sh", "-c", script), environment=(), log_path=str(folder / f"{number}.log"),
        ))
        await runtime.start(str(number) * 64)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def make(kind: str, folder: Path, group: str) -> Runtime:
    if kind == "process":
        return ProcessRuntime(root=folder / "state", clock=RealClock())
    images = ImageStore(folder / "images", clock=RealClock())
    return OciRuntime(root=folder / "state", images=images, clock=RealClock(), cgroup=group)


@pytest.mark.parametrize("kind", ["oci", "process"])
async def test_containers_outlive_their_agent(kind: str, tmp_path: Path) -> None:
    group = f"wherry-test-{os.getpid()}"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)])}
    command = [sys.executable, "-c", _AGENT, kind, str(tmp_path), group]
    agent = subprocess.run(command, env=environment, check=False, timeout=60)
    assert agent.returncode == -9
    log = tmp_path / "0.log"
    before = len(log.read_text())
    await asyncio.sleep(1.0)
    assert len(log.read_text()) > before
    runtime = make(kind, tmp_path, group)
    await runtime.open()
    try:
        assert runtime.container("0" * 64).phase == ContainerPhase.RUNNING
        ended = runtime.container("1" * 64)
        assert (ended.phase, ended.exit_code, ended.reason) == (ContainerPhase.EXITED, 7, "Error")
        assert set(runtime.sandboxes()) == {"u1"}
        streams = await runtime.exec("0" * 64, ("true",))
        assert await streams.wait() == 0
        await streams.close()
        pid = runtime.container("0" * 64).pid
    finally:
        await runtime.remove_sandbox("u1")
        await runtime.close()
    assert not Path(f"/proc/{pid}").exists()
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    assert not [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if folder.endswith(group)]
