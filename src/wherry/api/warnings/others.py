"""Services, ingresses, volumes and claims. Source: `GetWarningsFor*` of pkg/api/<kind>/warnings.go."""

from __future__ import annotations

from collections.abc import Iterator

from wherry.api.types import Object

_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
_HINTS, _TOPOLOGY = "service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"


def _annotations(obj: Object) -> Object:
    found: Object = obj["metadata"].get("annotations") or {}
    return found


def service(obj: Object) -> Iterator[str]:
    spec = obj.get("spec") or {}
    if _HINTS in _annotations(obj):
        yield f"annotation {_HINTS} is deprecated, please use {_TOPOLOGY} instead"
    if spec.get("clusterIP") == "None":
        if spec.get("loadBalancerIP"):
            yield "spec.loadBalancerIP is ignored for headless services"
        if spec.get("externalIPs"):
            yield "spec.externalIPs is ignored for headless services"
        if (spec.get("sessionAffinity") or "None") != "None":
            yield "spec.SessionAffinity is ignored for headless services"
    if spec.get("type") == "ExternalName" and spec.get("externalIPs"):
        yield 'spec.externalIPs is ignored when spec.type is "ExternalName"'


def ingress(obj: Object) -> Iterator[str]:
    if "kubernetes.io/ingress.class" in _annotations(obj):
        yield "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"


def claim(obj: Object) -> Iterator[str]:
    yield from _old_class(obj)


def volume(obj: Object) -> Iterator[str]:
    yield from _old_class(obj)
    if (obj.get("spec") or {}).get("persistentVolumeReclaimPolicy") == "Recycle":
        yield (
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended "
            "approach is to use dynamic provisioning."
        )


def _old_class(obj: Object) -> Iterator[str]:
    if _CLASS_ANNOTATION in _annotations(obj):
        yield (
            f"metadata.annotations[{_CLASS_ANNOTATION}]: deprecated since v1.8; "
            'use "storageClassName" attribute instead'
        )
