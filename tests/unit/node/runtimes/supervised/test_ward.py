"""How a container's state follows from what its shim says, and its description from disk."""

from __future__ import annotations

from pathlib import Path

import orjson

from wherry.node.runtimes.port import Container, ContainerPhase, Image, Mount, Resources, Sandbox, Security
from wherry.node.runtimes.shim.records import Exited, Running
from wherry.node.runtimes.supervised.codec import container_from
from wherry.node.runtimes.supervised.ward import Ward, lost

CONTAINER = Container(
    id="a" * 64,
    sandbox=Sandbox(pod_uid="u", pod_name="p", pod_namespace="d", hostname="h", sysctls={"net.x": "1"}),
    name="c",
    attempt=3,
    image=Image(id="sha256:1", names=("x:1", "x@sha256:2"), size_bytes=1, environment=(("A", "b"),), labels=(("k", "v"),)),
    arguments=("run",),
    environment=(("E", "1"),),
    mounts=(Mount(source="/a", target="/b", read_only=True),),
    resources=Resources(cpu_limit_milli=5),
    security=Security(user="7", add_capabilities=("KILL",), supplemental_groups=(5,)),
    log_path="/log",
    labels={"app": "web"},
)  # fmt: skip


def test_a_description_survives_the_disk() -> None:
    assert container_from(orjson.loads(orjson.dumps(CONTAINER))) == CONTAINER


def test_a_life() -> None:
    ward = Ward.of(CONTAINER, Path("/d"), 1.0)
    assert (ward.state.phase, ward.state.attempt, ward.state.image_name) == (ContainerPhase.CREATED, 3, "x:1")
    assert ward.apply(Running(42, 2_000_000_000))
    assert not ward.apply(Running(42, 2_000_000_000))
    assert (ward.state.pid, ward.state.started_at) == (42, 2.0)
    assert ward.apply(Exited(3, 0, 2_000_000_000, 5_000_000_000, False, "Error", "m"))
    assert (ward.state.phase, ward.state.pid, ward.state.finished_at, ward.state.exit_code) == ("exited", 0, 5.0, 3)
    assert not ward.apply(lost(ward.state, 9.0))
    assert ward.state.exit_code == 3


def test_a_lost_shim_counts_as_killed() -> None:
    ward = Ward.of(CONTAINER, Path("/d"), 1.0)
    ward.apply(Running(42, 2_000_000_000))
    ward.apply(lost(ward.state, 9.0))
    assert (ward.state.exit_code, ward.state.signal, ward.state.started_at, ward.state.finished_at) == (
        137,
        9,
        2.0,
        9.0,
    )
    assert "shim" in ward.state.message
