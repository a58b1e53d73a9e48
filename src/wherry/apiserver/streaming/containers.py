"""The container that a request means. Source: pkg/registry/core/pod/strategy.go `validateContainer`.

The annotation `kubectl.kubernetes.io/default-container` is the clients' business, there as here.
"""

from __future__ import annotations

from wherry.api.errors import BadRequest
from wherry.api.types import Object

_SORTS = ("initContainers", "containers", "ephemeralContainers")


def choose(pod: Object, name: str) -> str:
    """The name itself if the pod has it; without a name its only container. Raises `BadRequest`."""
    pod_name = pod["metadata"]["name"]
    spec: Object = pod.get("spec") or {}
    names = [container["name"] for sort in _SORTS for container in spec.get(sort) or ()]
    if name:
        if name not in names:
            raise BadRequest(f"container {name} is not valid for pod {pod_name}")
        return name
    own: list[Object] = spec.get("containers") or []
    if len(own) == 1:
        only: str = own[0]["name"]
        return only
    if not own:
        raise BadRequest(f"a container name must be specified for pod {pod_name}")
    raise BadRequest(f"a container name must be specified for pod {pod_name}, choose one of: [{' '.join(names)}]")
