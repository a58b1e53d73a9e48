"""Claims, volumes and classes, as short as tests want them."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object


def claim(name: str = "data", size: str = "1Gi", *, modes: tuple[str, ...] = ("ReadWriteOnce",), **spec: Any) -> Object:
    """A claim in the namespace `default`; without `storageClassName` the default class is its own."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"accessModes": list(modes), "resources": {"requests": {"storage": size}}, **spec},
    }


def volume(
    name: str = "disk",
    size: str = "1Gi",
    *,
    modes: tuple[str, ...] = ("ReadWriteOnce",),
    class_: str = "",
    node: str = "",
    labels: dict[str, str] | None = None,
    path: str = "/data",
    **spec: Any,
) -> Object:
    """A volume on the machine; with `node`, only that node reaches it."""
    wanted: Object = {"accessModes": list(modes), "capacity": {"storage": size}, "hostPath": {"path": path}, **spec}
    if class_:
        wanted["storageClassName"] = class_
    if node:
        term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
        wanted["nodeAffinity"] = {"required": {"nodeSelectorTerms": [term]}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": dict(labels or {})},
        "spec": wanted,
    }


def storage_class(
    name: str = "slow", provisioner: str = "example.org/disks", *, wait: bool = False, **more: Any
) -> Object:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": provisioner,
        "volumeBindingMode": "WaitForFirstConsumer" if wait else "Immediate",
        **more,
    }


def using(pod: Object, *claims: str) -> Object:
    """The pod with a volume per claim, mounted at /CLAIM."""
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
    containers = [
        {**container, "volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in claims]}
        for container in pod["spec"]["containers"]
    ]
    return {**pod, "spec": {**pod["spec"], "volumes": volumes, "containers": containers}}
