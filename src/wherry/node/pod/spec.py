"""Questions to a pod's spec that more than one part asks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from enum import StrEnum

from wherry.api.types import Object

DEFAULT_GRACE_SECONDS = 30
TERMINAL_PHASES = frozenset({"Succeeded", "Failed"})


class Kind(StrEnum):
    """What part a container plays; the value is the spec field it stands in."""

    INIT = "initContainers"
    SIDECAR = "initContainers (restartable)"
    APP = "containers"
    EPHEMERAL = "ephemeralContainers"

    @property
    def spec_field(self) -> str:
        return self.value.split(" ", 1)[0]


def uid(pod: Object) -> str:
    return str(pod["metadata"]["uid"])


def name(pod: Object) -> str:
    return str(pod["metadata"]["name"])


def namespace(pod: Object) -> str:
    return str(pod["metadata"].get("namespace") or "default")


def full_name(pod: Object) -> str:
    """`name_namespace(uid)`, as the kubelet's messages name a pod."""
    return f"{name(pod)}_{namespace(pod)}({uid(pod)})"


def init_containers(pod: Object) -> list[Object]:
    return list(pod["spec"].get("initContainers") or ())


def app_containers(pod: Object) -> list[Object]:
    return list(pod["spec"].get("containers") or ())


def ephemeral_containers(pod: Object) -> list[Object]:
    return list(pod["spec"].get("ephemeralContainers") or ())


def is_sidecar(container: Object) -> bool:
    """An init container that keeps running (KEP-753)."""
    return container.get("restartPolicy") == "Always"


def sidecars(pod: Object) -> list[Object]:
    return [container for container in init_containers(pod) if is_sidecar(container)]


def all_containers(pod: Object) -> Iterator[tuple[Kind, Object]]:
    """Every container with its part, in the order of the spec: init, app, ephemeral."""
    for container in init_containers(pod):
        yield (Kind.SIDECAR if is_sidecar(container) else Kind.INIT), container
    for container in app_containers(pod):
        yield Kind.APP, container
    for container in ephemeral_containers(pod):
        yield Kind.EPHEMERAL, container


def find_container(pod: Object, container_name: str) -> tuple[Kind, Object] | None:
    for kind, container in all_containers(pod):
        if container["name"] == container_name:
            return kind, container
    return None


def container_field_path(kind: Kind, container_name: str) -> str:
    """`spec.containers{web}`, as events point at a container."""
    return f"spec.{kind.spec_field}{{{container_name}}}"


def container_hash(container: Object) -> str:
    """Changes when the container must be made anew: as in the kubelet, only its name and image count."""
    text = f"{container['name']}\0{container.get('image', '')}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def resources_text(container: Object) -> str:
    """CPU and memory of a container in one line; changes when they do (KEP-1287)."""
    resources = container.get("resources") or {}
    parts = (
        f"{side}.{name}={(resources.get(side) or {}).get(name, '')}"
        for side in ("requests", "limits")
        for name in ("cpu", "memory")
    )
    return ",".join(parts)


def resize_restarts(container: Object, before: str) -> bool:
    """Whether a change of resources wants the container restarted (`resizePolicy`)."""
    old, new = set(before.split(",")), set(resources_text(container).split(","))
    changed = {part.partition("=")[0].partition(".")[2] for part in old ^ new}
    policies = {rule["resourceName"]: rule.get("restartPolicy") for rule in container.get("resizePolicy") or ()}
    return any(policies.get(name) == "RestartContainer" for name in changed)


def is_deleted(pod: Object) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase") or "Pending")


def is_terminal(pod: Object) -> bool:
    return phase(pod) in TERMINAL_PHASES


def uses_host_network(pod: Object) -> bool:
    return bool(pod["spec"].get("hostNetwork"))


def grace_seconds(pod: Object) -> int:
    """How long a stop may take: what the deletion asked for, else the spec's."""
    asked = pod["metadata"].get("deletionGracePeriodSeconds")
    if asked is None:
        asked = pod["spec"].get("terminationGracePeriodSeconds")
    return DEFAULT_GRACE_SECONDS if asked is None else max(1, int(asked))


def container_ports(pod: Object) -> tuple[int, ...]:
    """The TCP and UDP ports that the pod's long-running containers name."""
    long_running = [*sidecars(pod), *app_containers(pod)]
    ports = (port["containerPort"] for container in long_running for port in container.get("ports") or ())
    return tuple(dict.fromkeys(int(port) for port in ports))


def named_port(container: Object, port: int | str) -> int:
    """A port number from a number or a port's name. Raises `ValueError`, worded as the kubelet does."""
    if isinstance(port, int):
        number = port
    else:
        for candidate in container.get("ports") or ():
            if candidate.get("name") == port:
                number = int(candidate["containerPort"])
                break
        else:
            if not port.isdigit():
                raise ValueError(f'strconv.Atoi: parsing "{port}": invalid syntax')
            number = int(port)
    if not 0 < number < 65536:
        raise ValueError(f"invalid port number: {number}")
    return number
