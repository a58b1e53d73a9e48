"""Logs stay bounded."""

from wherry.base.log import Logger
from wherry.node.log_rotation import LogRotation
from wherry.node.runtimes.fake.behaviour import Behaviour
from wherry.testing.pods import pod


async def test_rotates(node):
    node.behaviours["a"] = Behaviour(output=(("stdout", "x" * 100),))
    await node.run_pod(pod())
    rotation = LogRotation(runtime=node.runtime, clock=node.clock, log=Logger("node"), max_bytes=50)
    directory = next(node.config.logs_root.iterdir()) / "a"
    for _ in range(7):
        (directory / "0.log").write_text("y" * 51)
        await rotation.rotate_all()
        await node.clock.advance(1)
    assert len(list(directory.iterdir())) == 4
    assert all(path.name.startswith("0.log.2026") for path in directory.iterdir())
