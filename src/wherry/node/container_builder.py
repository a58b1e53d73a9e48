"""From a container's spec to what the runtime is told: everything resolved."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wherry.api.types import Object
from wherry.node.layout import PodPaths
from wherry.node.pod import environment, resources, security, spec
from wherry.node.pod.expansion import expand_all
from wherry.node.pod.fields import Identity
from wherry.node.pod.observed import HASH_LABEL, KIND_LABEL, RESOURCES_LABEL
from wherry.node.pod.spec import Kind
from wherry.node.runtimes.port import Container, Image, Mount, Sandbox
from wherry.node.tools import Tools
from wherry.node.volumes import kinds, mounts
from wherry.node.volumes.context import VolumeProblem

GRACE_LABEL = "wherry.dev/termination-grace-seconds"
STOP_SIGNAL_LABEL = "wherry.dev/stop-signal"


class ConfigProblem(Exception):
    """The container's configuration cannot be resolved now (`CreateContainerConfigError`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodParts:
    """What the pod's set-up made."""

    sandbox: Sandbox
    volumes: Mapping[str, Path]
    files: mounts.PodFiles
    paths: PodPaths
    identity: Identity
    port_map: Mapping[int, int]


def build(
    tools: Tools, pod: Object, kind: Kind, container: Object, attempt: int, image: Image, parts: PodParts
) -> Container:
    """Raises `ConfigProblem`."""
    name = container["name"]
    try:
        variables = environment.build(
            pod,
            container,
            lookup=tools.objects.lookup(spec.namespace(pod)),
            services=tools.services(),
            identity=parts.identity,
            ports=parts.port_map,
        )
        context = security.effective(pod, container, image, seccomp_root=str(tools.config.root / "seccomp"))
        mounted = _mounts(tools, pod, container, attempt, variables, parts)
    except (environment.EnvironmentProblem, security.SecurityProblem, VolumeProblem, OSError) as error:
        raise ConfigProblem(str(error)) from error
    log_path = parts.paths.log(name, attempt)
    if tools.config.on_disk:
        log_path.parent.mkdir(parents=True, exist_ok=True)
    return Container(
        id=secrets.token_hex(32),
        sandbox=parts.sandbox,
        name=name,
        attempt=attempt,
        image=image,
        arguments=arguments(container, image, variables),
        environment=tuple({**dict(image.environment), "HOSTNAME": parts.sandbox.hostname, **variables}.items()),
        working_directory=container.get("workingDir") or image.working_directory,
        mounts=mounted,
        resources=resources.of_container(pod, container, memory_capacity=tools.memory_capacity),
        security=context,
        log_path=str(log_path),
        tty=bool(container.get("tty")),
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdinOnce")),
        labels=_labels(pod, kind, container, attempt, image),
        stop_signal=stop_signal(container, image),
    )


def arguments(container: Object, image: Image, variables: Mapping[str, str]) -> tuple[str, ...]:
    """`command` replaces the image's entry point and drops its command; `args` replaces the command alone."""
    command, args = container.get("command"), container.get("args")
    if command:
        return expand_all([*command, *(args or ())], variables)
    if args:
        return (*image.entrypoint, *expand_all(args, variables))
    return (*image.entrypoint, *image.command)


def stop_signal(container: Object, image: Image) -> str:
    own = (container.get("lifecycle") or {}).get("stopSignal")
    return str(own or image.stop_signal or "SIGTERM")


def _mounts(
    tools: Tools, pod: Object, container: Object, attempt: int, variables: Mapping[str, str], parts: PodParts
) -> tuple[Mount, ...]:
    """None for pods that only pretend. Raises `VolumeProblem`, `OSError`."""
    if not tools.config.on_disk:
        return ()
    termination = parts.paths.termination(container["name"], attempt)
    termination.parent.mkdir(parents=True, exist_ok=True)
    termination.touch()
    termination.chmod(0o666)
    read_only = {volume["name"] for volume in pod["spec"].get("volumes") or () if kinds.read_only(volume)}
    return mounts.of_container(container, parts.volumes, variables, parts.files, termination, read_only)


def _labels(pod: Object, kind: Kind, container: Object, attempt: int, image: Image) -> dict[str, str]:
    """All that is needed to find the container again, and to stop it when its pod is no longer known."""
    return {
        "io.kubernetes.pod.name": spec.name(pod),
        "io.kubernetes.pod.namespace": spec.namespace(pod),
        "io.kubernetes.pod.uid": spec.uid(pod),
        "io.kubernetes.container.name": container["name"],
        "io.kubernetes.container.restartCount": str(attempt),
        HASH_LABEL: spec.container_hash(container),
        KIND_LABEL: kind.name.lower(),
        RESOURCES_LABEL: spec.resources_text(container),
        GRACE_LABEL: str(spec.grace_seconds(pod)),
        STOP_SIGNAL_LABEL: stop_signal(container, image),
    }
