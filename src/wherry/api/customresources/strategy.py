"""What a write to a custom resource does besides defaults and validation.

Source: k8s.io/apiextensions-apiserver/pkg/registry/customresource (strategy.go, status_strategy.go, etcd.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wherry.api.errors import InternalError
from wherry.api.strategy import Strategy
from wherry.api.types import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalePaths:
    """Where the scale subresource finds its fields, as lists of keys."""

    spec_replicas: tuple[str, ...]
    status_replicas: tuple[str, ...]
    selector: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomStrategy(Strategy):
    """Everything but metadata (and status, where that is a subresource) counts for the generation."""

    scale: ScalePaths | None = None

    def prepare_create(self, obj: Object) -> None:
        if self.has_status:
            obj.pop("status", None)
        obj["metadata"]["generation"] = 1

    def prepare_update(self, new: Object, old: Object) -> None:
        if self.has_status:
            if "status" in old:
                new["status"] = old["status"]
            else:
                new.pop("status", None)
        generation = old["metadata"].get("generation", 1)
        new["metadata"]["generation"] = generation + (_content(new) != _content(old))

    def prepare_status_update(self, new: Object, old: Object) -> None:
        """Only the status is taken over."""
        for key in (old.keys() | new.keys()) - {"status", "apiVersion", "kind"}:
            if key in old:
                new[key] = old[key]
            else:
                del new[key]
        # The revision will be written into it.
        new["metadata"] = dict(old["metadata"])

    def scale_get(self, obj: Object) -> Object:
        scale = self._scale()
        replicas = _at(obj, scale.spec_replicas)
        if replicas is None:
            path = "." + ".".join(scale.spec_replicas)
            raise InternalError(f'Internal error occurred: the spec replicas field "{path}" does not exist')
        metadata = obj["metadata"]
        keys = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        selector = _at(obj, scale.selector) if scale.selector else None
        return {
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": {key: metadata[key] for key in keys if key in metadata},
            "spec": {"replicas": replicas} if replicas else {},
            "status": {
                "replicas": _at(obj, scale.status_replicas) or 0,
                **({"selector": selector} if selector else {}),
            },
        }

    def scale_apply(self, obj: Object, replicas: int) -> None:
        *holders, last = self._scale().spec_replicas
        for key in holders:
            obj = obj.setdefault(key, {})
        obj[last] = replicas

    def _scale(self) -> ScalePaths:
        if self.scale is None:
            raise TypeError("this resource has no scale subresource")
        return self.scale


def _content(obj: Object) -> Object:
    """What the generation counts; a status that is a subresource is the same on both sides by then."""
    return {key: value for key, value in obj.items() if key not in ("metadata", "apiVersion")}


def _at(obj: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(key)
    return obj
