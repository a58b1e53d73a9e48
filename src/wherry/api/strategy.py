"""What a write does besides defaults and validation: which half of an object it may touch, and what it sets itself.

A main-resource write keeps the stored status, a status write keeps the stored spec, `metadata.generation` counts
changes of the spec, and some kinds have a say of their own (`wherry.api.strategies`). The API server calls

    create:         fill in name, uid, creationTimestamp -> defaults -> prepare_create -> validation
    update:         defaults -> prepare_update -> validation
    update status:  defaults -> prepare_status_update -> validation

All functions change the new object in place and never the old one; the new object may share parts with the old one
afterwards, so neither may be changed later. Source: pkg/registry/<group>/<kind>/strategy.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from wherry.api.dispatch import LazyTable
from wherry.api.label_selector import map_to_text, to_text
from wherry.api.resources import Resource
from wherry.api.semantic import same
from wherry.api.types import Object

Prepare = Callable[[Object], None]
PrepareUpdate = Callable[[Object, Object], None]

_RESET_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """How one resource is written.

    `status` is what a new object's status starts as (None: the kind keeps the status it was created with);
    `has_status` says whether main and status writes are kept apart; `generation` names the fields whose change raises
    `metadata.generation` (none: the kind has no generation) and `generation_metadata` the metadata whose change does so
    too; `status_keeps` the metadata that a status write cannot change; `scaled` whether there is a scale subresource.
    """

    status: Object | None = None
    has_status: bool = False
    generation: tuple[str, ...] = ()
    generation_metadata: tuple[str, ...] = ()
    status_keeps: tuple[str, ...] = ()
    scaled: bool = False
    create_on_update: bool = False
    unconditional_update: bool = True
    on_create: Prepare | None = None
    on_update: PrepareUpdate | None = None
    on_status_update: PrepareUpdate | None = None
    graceful: bool = False

    def prepare_create(self, obj: Object) -> None:
        """Drop what the caller may not set, start the generation."""
        if self.status is not None:
            obj["status"] = dict(self.status)
        if self.generation:
            obj["metadata"]["generation"] = 1
        else:
            obj["metadata"].pop("generation", None)
        if self.on_create is not None:
            self.on_create(obj)

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep the stored status, count the generation."""
        if self.has_status:
            _keep(new, old, "status")
        if self.on_update is not None:
            self.on_update(new, old)
        self._count(new, old)

    def prepare_status_update(self, new: Object, old: Object) -> None:
        """Keep all but the status, and the metadata that upstream lets through."""
        for key in old.keys() | new.keys():
            if key not in ("metadata", "status", "apiVersion", "kind"):
                _keep(new, old, key)
        metadata, stored = new["metadata"], old["metadata"]
        for key in (*self.status_keeps, "generation"):
            _keep(metadata, stored, key)
        if self.on_status_update is not None:
            self.on_status_update(new, old)

    def _count(self, new: Object, old: Object) -> None:
        metadata, stored = new["metadata"], old["metadata"]
        _keep(metadata, stored, "generation")
        if self.generation and self._changed(new, old):
            metadata["generation"] = stored.get("generation", 0) + 1

    def _changed(self, new: Object, old: Object) -> bool:
        if any(not same(new.get(key), old.get(key)) for key in self.generation):
            return True
        metadata, stored = new["metadata"], old["metadata"]
        return any((metadata.get(key) or {}) != (stored.get(key) or {}) for key in self.generation_metadata)

    def grace_seconds(self, obj: Object, requested: int | None) -> int | None:
        """How long a deletion of `obj` waits; None where the kind knows no graceful deletion (only pods do)."""
        if not self.graceful:
            return None
        spec, status = obj.get("spec") or {}, obj.get("status") or {}
        if not spec.get("nodeName") or status.get("phase") in ("Failed", "Succeeded"):
            return 0
        seconds = spec.get("terminationGracePeriodSeconds") if requested is None else requested
        if seconds is None:
            return 0
        return 1 if seconds < 0 else int(seconds)

    def scale_get(self, obj: Object) -> Object:
        """The `autoscaling/v1` Scale of a workload."""
        spec, status, metadata = obj.get("spec") or {}, obj.get("status") or {}, obj["metadata"]
        selector = spec.get("selector") or {}
        plain = "matchLabels" not in selector and "matchExpressions" not in selector
        keys = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        replicas = spec.get("replicas")
        text = map_to_text(selector) if plain else to_text(selector)
        return {
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": {key: metadata[key] for key in keys if key in metadata},
            "spec": {"replicas": replicas} if replicas else {},
            "status": {"replicas": status.get("replicas", 0), **({"selector": text} if text else {})},
        }

    def scale_apply(self, obj: Object, replicas: int) -> None:
        """Set the wanted replicas; `obj` must be the caller's own copy, its spec too."""
        obj["spec"]["replicas"] = replicas


def _keep(new: Object, old: Object, key: str) -> None:
    if key in old:
        new[key] = old[key]
    else:
        new.pop(key, None)


def _lazy(module: str, name: str) -> Callable[..., None]:
    table: LazyTable[Callable[..., None]] = LazyTable("wherry.api.strategies", {name: f"{module}:{name}"})

    def call(*objects: Object) -> None:
        found = table.get(name)
        if found is not None:
            found(*objects)

    return call


_PLAIN = Strategy()
_SPEC = Strategy(status={}, has_status=True, generation=("spec",))
_SPEC_UNCOUNTED = Strategy(status={}, has_status=True)
_CONFIG = Strategy(unconditional_update=False)
_UPSERT = Strategy(create_on_update=True)
_WEBHOOKS = Strategy(generation=("webhooks",), unconditional_update=False)
_POLICY = Strategy(generation=("spec",), unconditional_update=False)
_CUSTOM = Strategy(
    status=None, has_status=False, generation=("spec",), unconditional_update=False, status_keeps=_RESET_METADATA
)
_NO_BALANCER: Object = {"loadBalancer": {}}
_DAEMON_STATUS: Object = dict.fromkeys(
    ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"), 0
)
_BUDGET_STATUS: Object = dict.fromkeys(("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"), 0)

_STRATEGIES: dict[str, Strategy] = {
    "pods": Strategy(
        has_status=True,
        generation=("spec",),
        graceful=True,
        status_keeps=("ownerReferences", "deletionTimestamp", "deletionGracePeriodSeconds"),
        on_create=_lazy("pods", "create"),
        on_update=_lazy("pods", "update"),
        on_status_update=_lazy("pods", "update_status"),
    ),
    "podtemplates": Strategy(generation=("template",)),
    "services": Strategy(
        status=_NO_BALANCER,
        has_status=True,
        create_on_update=True,
        on_create=_lazy("services", "create"),
        on_update=_lazy("services", "update"),
    ),
    "secrets": Strategy(on_create=_lazy("core", "secret"), on_update=_lazy("core", "secret_update")),
    "namespaces": Strategy(
        status={"phase": "Active"},
        has_status=True,
        on_create=_lazy("core", "namespace"),
        on_update=_lazy("core", "namespace_update"),
    ),
    # A node is created with its status: the kubelet registers itself in one write.
    "nodes": Strategy(has_status=True),
    "persistentvolumes": Strategy(
        status={"phase": "Pending"}, has_status=True, on_create=_lazy("core", "persistent_volume")
    ),
    "persistentvolumeclaims": Strategy(
        status={"phase": "Pending"},
        has_status=True,
        on_create=_lazy("core", "claim"),
        on_update=_lazy("core", "claim_update"),
    ),
    "replicationcontrollers": replace(_SPEC, status={"replicas": 0}, scaled=True),
    "resourcequotas": _SPEC_UNCOUNTED,
    "endpoints": _UPSERT,
    "events": _UPSERT,
    "events.events.k8s.io": _UPSERT,
    "limitranges": _UPSERT,
    "deployments.apps": replace(_SPEC, generation_metadata=("annotations",), status_keeps=("labels",), scaled=True),
    "replicasets.apps": replace(_SPEC, status={"replicas": 0}, scaled=True),
    "statefulsets.apps": replace(_SPEC, status={"replicas": 0, "availableReplicas": 0}, scaled=True),
    "daemonsets.apps": replace(
        _SPEC,
        status=_DAEMON_STATUS,
        on_create=_lazy("apps", "daemon_set"),
        on_update=_lazy("apps", "daemon_set_update"),
        on_status_update=_lazy("apps", "daemon_set_status"),
    ),
    "jobs.batch": replace(_SPEC, on_create=_lazy("batch", "job"), on_update=_lazy("batch", "job_update")),
    "cronjobs.batch": _SPEC,
    "horizontalpodautoscalers.autoscaling": replace(
        _SPEC_UNCOUNTED, on_create=_lazy("core", "autoscaler"), on_status_update=_lazy("core", "autoscaler_status")
    ),
    "ingresses.networking.k8s.io": replace(_SPEC, status=_NO_BALANCER),
    "ingressclasses.networking.k8s.io": Strategy(generation=("spec",)),
    "networkpolicies.networking.k8s.io": Strategy(generation=("spec",)),
    "servicecidrs.networking.k8s.io": _SPEC_UNCOUNTED,
    "poddisruptionbudgets.policy": replace(_SPEC, status=_BUDGET_STATUS, unconditional_update=False),
    "certificatesigningrequests.certificates.k8s.io": replace(
        _SPEC_UNCOUNTED,
        on_update=_lazy("core", "certificate_request_update"),
        on_status_update=_lazy("core", "certificate_request_status"),
    ),
    "leases.coordination.k8s.io": replace(
        _UPSERT, unconditional_update=False, on_create=_lazy("core", "lease"), on_update=_lazy("core", "lease_update")
    ),
    "runtimeclasses.node.k8s.io": _CONFIG,
    "endpointslices.discovery.k8s.io": Strategy(
        generation=("addressType", "endpoints", "ports"), generation_metadata=("labels",)
    ),
    "volumeattachments.storage.k8s.io": replace(
        _SPEC_UNCOUNTED, status={"attached": False}, unconditional_update=False
    ),
    "csinodes.storage.k8s.io": _CONFIG,
    "csidrivers.storage.k8s.io": replace(_CONFIG, generation=("spec",)),
    "csistoragecapacities.storage.k8s.io": _CONFIG,
    "customresourcedefinitions.apiextensions.k8s.io": replace(
        _SPEC,
        status_keeps=_RESET_METADATA,
        unconditional_update=False,
        on_create=_lazy("definitions", "create"),
        on_update=_lazy("definitions", "update"),
    ),
    "apiservices.apiregistration.k8s.io": replace(_SPEC_UNCOUNTED, unconditional_update=False),
    "flowschemas.flowcontrol.apiserver.k8s.io": replace(_SPEC, status_keeps=_RESET_METADATA),
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": replace(_SPEC, status_keeps=_RESET_METADATA),
    "deviceclasses.resource.k8s.io": Strategy(generation=("spec",)),
    "resourceslices.resource.k8s.io": Strategy(generation=("spec",)),
    "resourceclaims.resource.k8s.io": replace(_SPEC_UNCOUNTED, status_keeps=_RESET_METADATA),
    "clusterroles.rbac.authorization.k8s.io": _UPSERT,
    "clusterrolebindings.rbac.authorization.k8s.io": _UPSERT,
    "roles.rbac.authorization.k8s.io": _UPSERT,
    "rolebindings.rbac.authorization.k8s.io": _UPSERT,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": _WEBHOOKS,
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": _WEBHOOKS,
    "validatingadmissionpolicies.admissionregistration.k8s.io": replace(
        _POLICY, status={}, has_status=True, status_keeps=_RESET_METADATA
    ),
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": _POLICY,
    "mutatingadmissionpolicies.admissionregistration.k8s.io": _POLICY,
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io": _POLICY,
}


def for_resource(resource: Resource) -> Strategy:
    """The strategy of a resource; the plain one (nothing is touched) where the kind asks for nothing."""
    found = _STRATEGIES.get(resource.qualified)
    if found is not None:
        return found
    return _PLAIN if resource.custom is None else resource.custom.strategy
