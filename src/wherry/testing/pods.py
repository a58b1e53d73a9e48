"""Small pods and container states, for tests of what a node does with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wherry.api.types import Object
from wherry.node.pod.observed import Observed, group
from wherry.node.runtimes.port import ContainerPhase, ContainerState


def container(name: str, **extra: Any) -> Object:
    return {"name": name, "image": "example.org/image:1", **extra}


def sidecar(name: str, **extra: Any) -> Object:
    return container(name, restartPolicy="Always", **extra)


def pod(
    *apps: str | Object,
    init: Sequence[str | Object] = (),
    policy: str = "Always",
    name: str = "p",
    namespace: str = "n",
    uid: str = "u",
    **extra: Any,
) -> Object:
    """A pod as the API has it; containers are names or objects, `extra` goes into the spec."""
    spec: Object = {
        "containers": [container(app) if isinstance(app, str) else app for app in apps or ("a",)],
        "restartPolicy": policy,
        **extra,
    }
    if init:
        spec["initContainers"] = [container(one) if isinstance(one, str) else one for one in init]
    metadata = {"name": name, "namespace": namespace, "uid": uid}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def state(
    name: str,
    phase: str = "running",
    code: int = 0,
    *,
    attempt: int = 0,
    at: float = 100.0,
    labels: Mapping[str, str] | None = None,
) -> ContainerState:
    """A container of pod `u`, made and started at `at`; one that has exited did so a second later."""
    return ContainerState(
        id=f"{name}{attempt}",
        pod_uid="u",
        name=name,
        attempt=attempt,
        phase=ContainerPhase(phase),
        image_id="sha256:0",
        created_at=at,
        started_at=at,
        finished_at=at + 1 if phase == "exited" else 0.0,
        exit_code=code,
        labels=labels or {},
    )


def seen(*states: ContainerState, sandbox_ready: bool = True, **extra: Any) -> Observed:
    return Observed(containers=group(states), sandbox_ready=sandbox_ready, **extra)
