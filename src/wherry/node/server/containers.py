"""Which container a request means: from the pod's status and from what the runtime has.

Pure: the pod and the runtime's containers in, an id or a `Refused` with upstream's text out. The texts are those of the
kubelet (`validateContainerLogStatus`, `GetExec`, `GetAttach`).
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.api.types import Object
from wherry.node.runtimes.port import ContainerPhase, ContainerState
from wherry.node.server.errors import Refused

_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_SPECS = ("containers", "initContainers", "ephemeralContainers")

_WAITING = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}


def spec_of(pod: Object, name: str) -> Object | None:
    """The container of that name in the pod's spec, of any sort."""
    spec: Object = pod.get("spec") or {}
    return next((c for key in _SPECS for c in spec.get(key) or () if c.get("name") == name), None)


def status_of(pod: Object, name: str) -> Object | None:
    status: Object = pod.get("status") or {}
    return next((c for key in _STATUSES for c in status.get(key) or () if c.get("name") == name), None)


def bare_id(container_id: str | None) -> str:
    """`oci://abc` to `abc`."""
    return (container_id or "").partition("://")[2]


def with_logs(pod: Object, name: str, *, previous: bool) -> str:
    """The id of the container whose log is meant. Raises `Refused` (400) where there is none yet, or no more."""
    pod_name = pod["metadata"]["name"]
    where = f'container "{name}" in pod "{pod_name}"'
    status = status_of(pod, name)
    if status is None:
        raise Refused(400, f"{where} is not available")
    state: Object = status.get("state") or {}
    ended = bare_id((state.get("terminated") or {}).get("containerID"))
    before = bare_id(((status.get("lastState") or {}).get("terminated") or {}).get("containerID"))
    if previous:
        if not before:
            raise Refused(400, f'previous terminated container "{name}" in pod "{pod_name}" not found')
        return before
    if "running" in state:
        return bare_id(status.get("containerID"))
    if found := ended or before:
        return found
    if "terminated" in state or (status.get("lastState") or {}).get("terminated"):
        raise Refused(400, f"{where} is terminated")
    if "waiting" in state:
        reason = (state["waiting"] or {}).get("reason", "")
        raise Refused(400, f"{where} is waiting to start: {_WAITING.get(reason, reason)}")
    raise Refused(400, f"{where} is waiting to start - no logs yet")


def running(containers: Iterable[ContainerState], pod_uid: str, name: str) -> ContainerState | None:
    """The newest container of that name that runs."""
    found = [c for c in containers if c.pod_uid == pod_uid and c.name == name and c.phase is ContainerPhase.RUNNING]
    return max(found, key=lambda c: c.attempt, default=None)
