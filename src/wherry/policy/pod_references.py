"""Which other objects of its namespace a pod needs on its node.

Source: k8s.io/kubernetes pkg/api/v1/pod (visitors), plugin/pkg/auth/authorizer/node/graph.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wherry.api.types import Object

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_SECRET_REFS = ("cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos")
_MIRROR = "kubernetes.io/config.mirror"


@dataclass(frozen=True, slots=True)
class References:
    """Names, by kind."""

    secrets: frozenset[str] = frozenset()
    configmaps: frozenset[str] = frozenset()
    persistentvolumeclaims: frozenset[str] = frozenset()
    resourceclaims: frozenset[str] = frozenset()
    serviceaccounts: frozenset[str] = frozenset()


def references(pod: Object) -> References:
    """Mirror pods refer to nothing: a node makes them itself, and must gain nothing by it."""
    if _MIRROR in (pod["metadata"].get("annotations") or {}):
        return References()
    spec = pod["spec"]
    return References(
        secrets=frozenset(_secrets(spec)),
        configmaps=frozenset(_config_maps(spec)),
        persistentvolumeclaims=frozenset(_claims(pod)),
        resourceclaims=frozenset(_resource_claims(pod)),
        serviceaccounts=frozenset(name for name in (spec.get("serviceAccountName"),) if name),
    )


def _secrets(spec: Object) -> Iterator[str]:
    yield from (each["name"] for each in spec.get("imagePullSecrets") or () if each.get("name"))
    yield from _from_environment(spec, "secretKeyRef", "secretRef")
    for volume in spec.get("volumes") or ():
        for source, field in (("secret", "secretName"), ("azureFile", "secretName")):
            if name := (volume.get(source) or {}).get(field):
                yield name
        refs = [(volume.get(source) or {}).get("secretRef") for source in _SECRET_REFS]
        refs += [(volume.get("csi") or {}).get("nodePublishSecretRef")]
        refs += [each.get("secret") for each in _projected(volume)]
        yield from (ref["name"] for ref in refs if ref and ref.get("name"))


def _config_maps(spec: Object) -> Iterator[str]:
    yield from _from_environment(spec, "configMapKeyRef", "configMapRef")
    for volume in spec.get("volumes") or ():
        refs = [volume.get("configMap"), *(each.get("configMap") for each in _projected(volume))]
        yield from (ref["name"] for ref in refs if ref and ref.get("name"))


def _projected(volume: Object) -> list[Object]:
    found: list[Object] = (volume.get("projected") or {}).get("sources") or []
    return found


def _from_environment(spec: Object, key_ref: str, whole_ref: str) -> Iterator[str]:
    for field in _CONTAINERS:
        for container in spec.get(field) or ():
            refs = [(each.get("valueFrom") or {}).get(key_ref) for each in container.get("env") or ()]
            refs += [each.get(whole_ref) for each in container.get("envFrom") or ()]
            yield from (ref["name"] for ref in refs if ref and ref.get("name"))


def _claims(pod: Object) -> Iterator[str]:
    for volume in pod["spec"].get("volumes") or ():
        if name := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
            yield name
        elif volume.get("ephemeral") is not None:
            yield f"{pod['metadata']['name']}-{volume['name']}"


def _resource_claims(pod: Object) -> Iterator[str]:
    named = (
        *(pod["spec"].get("resourceClaims") or ()),
        *((pod.get("status") or {}).get("resourceClaimStatuses") or ()),
    )
    yield from (each["resourceClaimName"] for each in named if each.get("resourceClaimName"))
