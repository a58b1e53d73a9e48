"""The Node authorizer: which objects belong to a node, read from the stored pods.

Only keys are kept, so that the store may forget decoded objects; what a pod needs is worked out when its node asks, and
again after the pod has changed. Nothing is read before the first node asks.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api.types import Object
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.watching.frames import DELETED, Change
from wherry.apiserver.watching.hub import Hubs
from wherry.policy.pod_references import References, references
from wherry.store.port import Entry, Store

_PODS = storage_prefix("", "pods")
_CLAIMS = storage_prefix("", "persistentvolumeclaims")
_VOLUMES = storage_prefix("", "persistentvolumes")
_ATTACHMENTS = storage_prefix("storage.k8s.io", "volumeattachments")
_SLICES = storage_prefix("resource.k8s.io", "resourceslices")
_BY_POD = frozenset({"secrets", "configmaps", "persistentvolumeclaims", "resourceclaims", "serviceaccounts"})


class NodeRelations:
    """Answers `wherry.policy.node_access.Related`."""

    def __init__(self, store: Store, hubs: Hubs) -> None:
        self._store = store
        self._hubs = hubs
        self._pods: dict[str, dict[str, References | None]] | None = None
        """By node, then by the pod's key; None where the references are not known (any more)."""

    def related(self, node: str, resource: str, namespace: str, name: str) -> bool:
        if resource == "pods":
            return f"{_PODS}{namespace}/{name}" in self._on(node)
        if resource == "persistentvolumes":
            return any(volume["metadata"]["name"] == name for volume in self._volumes(node))
        if resource == "volumeattachments":
            return self._field(_ATTACHMENTS + name, "nodeName") == node
        if resource == "resourceslices":
            return self._field(_SLICES + name, "nodeName") == node
        if resource not in _BY_POD:
            return False
        if any(name in getattr(found, resource) for found in self._references(node, namespace)):
            return True
        return resource == "secrets" and any(
            (namespace, name) in _volume_secrets(volume) for volume in self._volumes(node)
        )

    def _field(self, key: str, field: str) -> str:
        entry = self._store.get(key)
        return (decoded(entry).get("spec") or {}).get(field) or "" if entry is not None else ""

    def _on(self, node: str) -> dict[str, References | None]:
        if self._pods is None:
            self._pods = {}
            self._hubs.of(_PODS).attach(self)
            for entry in self._store.range(_PODS).entries:
                self._put(entry)
        return self._pods.get(node, {})

    def _put(self, entry: Entry) -> None:
        node = decoded(entry)["spec"].get("nodeName")
        if node and self._pods is not None:
            self._pods.setdefault(node, {})[entry.key] = None

    def deliver(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.type != DELETED:
                self._put(change.entry)
            elif self._pods is not None and (node := decoded(change.entry)["spec"].get("nodeName")):
                self._pods.get(node, {}).pop(change.entry.key, None)

    def _references(self, node: str, namespace: str) -> list[References]:
        """Of the node's pods in a namespace."""
        prefix = f"{_PODS}{namespace}/"
        return [self._of(node, key) for key in list(self._on(node)) if key.startswith(prefix)]

    def _of(self, node: str, key: str) -> References:
        pods = self._on(node)
        known = pods.get(key)
        if known is None:
            entry = self._store.get(key)
            known = pods[key] = references(decoded(entry)) if entry is not None else References()
        return known

    def _volumes(self, node: str) -> list[Object]:
        """The persistent volumes that are bound to claims of the node's pods."""
        claims = [
            (key[len(_PODS) :].partition("/")[0], claim)
            for key in list(self._on(node))
            for claim in self._of(node, key).persistentvolumeclaims
        ]
        return [volume for claim in claims if (volume := self._volume(*claim)) is not None]

    def _volume(self, namespace: str, claim: str) -> Object | None:
        name = self._field(f"{_CLAIMS}{namespace}/{claim}", "volumeName")
        entry = self._store.get(_VOLUMES + name) if name else None
        if entry is None:
            return None
        volume = decoded(entry)
        bound = volume["spec"].get("claimRef") or {}
        return volume if (bound.get("namespace"), bound.get("name")) == (namespace, claim) else None


def _volume_secrets(volume: Object) -> set[tuple[str, str]]:
    """Namespace and name of the secrets that a volume is mounted with."""
    spec = volume["spec"]
    own = (spec.get("claimRef") or {}).get("namespace") or ""
    found: set[tuple[str, str]] = set()
    for source in spec.values():
        for field, ref in source.items() if isinstance(source, dict) else ():
            if field.endswith("SecretRef") or field == "secretRef":
                found.add((ref.get("namespace") or own, ref.get("name") or ""))
    azure = spec.get("azureFile") or {}
    if azure.get("secretName"):
        found.add((azure.get("secretNamespace") or own, azure["secretName"]))
    return found
