"""`LOCAL:REMOTE`, `PORT`, `:REMOTE`, by number or name: which local port leads to which port of the pod.

Source: kubectl's pkg/cmd/portforward. Decisions only.
"""

from __future__ import annotations

from dataclasses import dataclass

from wherry.api.types import Object
from wherry.cli.errors import Refused


@dataclass(frozen=True, slots=True)
class Forward:
    """`local` 0: any free port."""

    local: int
    remote: int


def parse(text: str, pod: Object, service: Object | None) -> Forward:
    """What one argument means for a pod, perhaps by way of a Service. Raises `Refused`."""
    local, colon, remote = text.partition(":")
    if not colon:
        local, remote = "", text
    elif not local:
        local = "0"
    port = _of_service(remote, pod, service) if service is not None else _of_pod(remote, pod)
    if not local:
        # A number stands for itself at both ends, also where a Service translates it.
        local = remote if remote.isdigit() else str(port)
    return Forward(_number(local, least=0), port)


def _of_pod(port: str, pod: Object) -> int:
    if port.isdigit():
        return _number(port)
    for container in (*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())):
        for entry in container.get("ports") or ():
            if entry.get("name") == port and entry.get("protocol", "TCP") == "TCP":
                return int(entry["containerPort"])
    raise Refused(f"Pod '{pod['metadata']['name']}' does not have a named port '{port}'")


def _of_service(port: str, pod: Object, service: Object) -> int:
    """The port of the pod behind a port of the Service."""
    for entry in service["spec"].get("ports") or ():
        if port in (str(entry["port"]), entry.get("name")):
            if entry.get("protocol", "TCP") != "TCP":
                raise Refused(f"{entry['protocol']} protocol is not supported for {port}")
            if service["spec"].get("clusterIP") == "None":
                return int(entry["port"])
            return _of_pod(str(entry.get("targetPort") or entry["port"]), pod)
    raise Refused(f"Service {service['metadata']['name']} does not have a service port {port}")


def _number(text: str, *, least: int = 1) -> int:
    if not text.isdigit() or not least <= int(text) <= 65535:
        raise Refused(f"invalid port: {text!r} must be from {least} to 65535")
    return int(text)
