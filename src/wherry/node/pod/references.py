"""The ConfigMaps and Secrets that a pod's environment and volumes are made of."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

from wherry.api.types import Object
from wherry.node.pod import spec


class Reference(NamedTuple):
    """An object in the pod's namespace; `resource` is `configmaps` or `secrets`."""

    resource: str
    name: str


class Lookup(Protocol):
    """The referenced objects as they are now."""

    def find(self, resource: str, name: str) -> Object | None:
        """None when there is no such object."""


_LABELS = {"configmaps": "ConfigMap", "secrets": "Secret"}
_NOT_FOUND = {"configmaps": "configmap", "secrets": "secret"}


class ReferenceProblem(Exception):
    """A referenced object or key that is not there; worded as the kubelet does."""


def data_of(found: Object) -> dict[str, bytes]:
    """A ConfigMap's or Secret's values as bytes."""
    if found.get("kind") == "Secret":
        return {key: base64.b64decode(value or "") for key, value in (found.get("data") or {}).items()}
    values = {key: str(value).encode() for key, value in (found.get("data") or {}).items()}
    values.update({key: base64.b64decode(value or "") for key, value in (found.get("binaryData") or {}).items()})
    return values


def values(lookup: Lookup, resource: str, name: str, *, optional: bool) -> Mapping[str, bytes]:
    """All values of an object; empty when it is optional and not there. Raises `ReferenceProblem`."""
    found = lookup.find(resource, name)
    if found is not None:
        return data_of(found)
    if optional:
        return {}
    raise ReferenceProblem(f'{_NOT_FOUND[resource]} "{name}" not found')


def value(lookup: Lookup, resource: str, namespace: str, name: str, key: str, *, optional: bool) -> bytes | None:
    """One value; None when it is optional and not there. Raises `ReferenceProblem`."""
    found = values(lookup, resource, name, optional=optional).get(key)
    if found is None and not optional:
        raise ReferenceProblem(f"couldn't find key {key} in {_LABELS[resource]} {namespace}/{name}")
    return found


def of_pod(pod: Object, *, volumes: bool = True) -> set[Reference]:
    """Everything that the pod's containers, and its volumes if wanted, refer to, optional or not."""
    found = set(_of_volumes(pod)) if volumes else set()
    for _, container in spec.all_containers(pod):
        found.update(_of_container(container))
    return {reference for reference in found if reference.name}


def _of_container(container: Object) -> Iterator[Reference]:
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        if reference := source.get("configMapKeyRef"):
            yield Reference("configmaps", reference.get("name", ""))
        if reference := source.get("secretKeyRef"):
            yield Reference("secrets", reference.get("name", ""))
    for source in container.get("envFrom") or ():
        if reference := source.get("configMapRef"):
            yield Reference("configmaps", reference.get("name", ""))
        if reference := source.get("secretRef"):
            yield Reference("secrets", reference.get("name", ""))


def _of_volumes(pod: Object) -> Iterator[Reference]:
    for volume in pod["spec"].get("volumes") or ():
        if source := volume.get("configMap"):
            yield Reference("configmaps", source.get("name", ""))
        if source := volume.get("secret"):
            yield Reference("secrets", source.get("secretName", ""))
        for projection in (volume.get("projected") or {}).get("sources") or ():
            if source := projection.get("configMap"):
                yield Reference("configmaps", source.get("name", ""))
            if source := projection.get("secret"):
                yield Reference("secrets", source.get("name", ""))
