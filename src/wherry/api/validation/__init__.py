"""Validation: what is wrong with an object, field by field, in upstream's words.

Run after defaults and `strategy.prepare_*`; the types of all fields must have been checked against the schema before.
Nothing is changed. An empty list means the object is fine:

    errors = validation.on_create(resource, obj)
    if errors:
        raise api_errors.invalid(resource.group, resource.kind, name, [error.to_cause() for error in errors])

Source: pkg/apis/<group>/validation.
"""

from __future__ import annotations

from collections.abc import Mapping

from wherry.api.dispatch import LazyTable
from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.api.validation import metadata
from wherry.api.validation.errors import Errors, ErrorType, FieldError
from wherry.api.validation.rules import PLAIN, Rules

__all__ = ["ErrorType", "Errors", "FieldError", "on_create", "on_status_update", "on_subresource_update", "on_update"]

_RULES: LazyTable[Rules] = LazyTable(
    __name__,
    {
        "configmaps": "configs:CONFIG_MAPS",
        "endpoints": "endpoints:ENDPOINTS",
        "events": "core:EVENTS",
        "limitranges": "quotas:LIMIT_RANGES",
        "namespaces": "core:NAMESPACES",
        "nodes": "nodes:NODES",
        "persistentvolumeclaims": "storage:CLAIMS",
        "persistentvolumes": "storage:VOLUMES",
        "pods": "pods:PODS",
        "podtemplates": "workloads:POD_TEMPLATES",
        "replicationcontrollers": "workloads:REPLICATION_CONTROLLERS",
        "resourcequotas": "quotas:RESOURCE_QUOTAS",
        "secrets": "configs:SECRETS",
        "serviceaccounts": "core:SERVICE_ACCOUNTS",
        "services": "services:SERVICES",
        "apiservices.apiregistration.k8s.io": "cluster:API_SERVICES",
        "controllerrevisions.apps": "stateful:CONTROLLER_REVISIONS",
        "daemonsets.apps": "workloads:DAEMON_SETS",
        "deployments.apps": "workloads:DEPLOYMENTS",
        "replicasets.apps": "workloads:REPLICA_SETS",
        "statefulsets.apps": "stateful:STATEFUL_SETS",
        "events.events.k8s.io": "core:EVENTS",
        "horizontalpodautoscalers.autoscaling": "autoscaling:AUTOSCALERS",
        "cronjobs.batch": "batch:CRON_JOBS",
        "jobs.batch": "batch:JOBS",
        "certificatesigningrequests.certificates.k8s.io": "cluster:CERTIFICATE_REQUESTS",
        "ingressclasses.networking.k8s.io": "networking:INGRESS_CLASSES",
        "ingresses.networking.k8s.io": "networking:INGRESSES",
        "ipaddresses.networking.k8s.io": "networking:IP_ADDRESSES",
        "networkpolicies.networking.k8s.io": "networking:NETWORK_POLICIES",
        "servicecidrs.networking.k8s.io": "networking:SERVICE_CIDRS",
        "poddisruptionbudgets.policy": "cluster:DISRUPTION_BUDGETS",
        "clusterrolebindings.rbac.authorization.k8s.io": "rbac:CLUSTER_ROLE_BINDINGS",
        "clusterroles.rbac.authorization.k8s.io": "rbac:CLUSTER_ROLES",
        "rolebindings.rbac.authorization.k8s.io": "rbac:ROLE_BINDINGS",
        "roles.rbac.authorization.k8s.io": "rbac:ROLES",
        "csidrivers.storage.k8s.io": "csi:DRIVERS",
        "csinodes.storage.k8s.io": "csi:NODES",
        "customresourcedefinitions.apiextensions.k8s.io": "definitions:DEFINITIONS",
        "csistoragecapacities.storage.k8s.io": "csi:CAPACITIES",
        "storageclasses.storage.k8s.io": "csi:STORAGE_CLASSES",
        "volumeattachments.storage.k8s.io": "csi:ATTACHMENTS",
        "volumeattributesclasses.storage.k8s.io": "csi:ATTRIBUTES_CLASSES",
        "priorityclasses.scheduling.k8s.io": "cluster:PRIORITY_CLASSES",
        "leases.coordination.k8s.io": "cluster:LEASES",
        "runtimeclasses.node.k8s.io": "cluster:RUNTIME_CLASSES",
        "endpointslices.discovery.k8s.io": "endpoints:ENDPOINT_SLICES",
        "flowschemas.flowcontrol.apiserver.k8s.io": "flowcontrol:FLOW_SCHEMAS",
        "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": "flowcontrol:PRIORITY_LEVELS",
        "deviceclasses.resource.k8s.io": "dra_claims:DEVICE_CLASSES",
        "resourceclaims.resource.k8s.io": "dra_claims:RESOURCE_CLAIMS",
        "resourceclaimtemplates.resource.k8s.io": "dra_claims:CLAIM_TEMPLATES",
        "resourceslices.resource.k8s.io": "dra_slices:RESOURCE_SLICES",
        "mutatingadmissionpolicies.admissionregistration.k8s.io": "policies:MUTATING_POLICIES",
        "mutatingadmissionpolicybindings.admissionregistration.k8s.io": "policies:MUTATING_BINDINGS",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io": "webhooks:MUTATING_WEBHOOKS",
        "validatingadmissionpolicies.admissionregistration.k8s.io": "policies:VALIDATING_POLICIES",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io": "policies:VALIDATING_BINDINGS",
        "validatingwebhookconfigurations.admissionregistration.k8s.io": "webhooks:VALIDATING_WEBHOOKS",
    },
)
_SUBRESOURCES: Mapping[tuple[str, str], str] = {
    ("certificatesigningrequests.certificates.k8s.io", "approval"): "cluster:CERTIFICATE_APPROVAL",
    ("namespaces", "finalize"): "core:NAMESPACE_FINALIZE",
    ("pods", "ephemeralcontainers"): "pod_updates:EPHEMERAL_CONTAINERS",
    ("pods", "resize"): "pod_updates:RESIZE",
}
_SUB_RULES: LazyTable[Rules] = LazyTable(__name__, {f"{r}/{s}": where for (r, s), where in _SUBRESOURCES.items()})


def has_rules(resource: Resource) -> bool:
    """Whether a built-in kind has rules beyond those for its metadata."""
    return resource.qualified in _RULES


def _rules(resource: Resource) -> Rules:
    found = _RULES.get(resource.qualified)
    if found is not None:
        return found
    return PLAIN if resource.custom is None else resource.custom.rules


def on_create(resource: Resource, obj: Object, *, loopback: bool = False) -> Errors:
    """What is wrong with a new object; its name must have been generated already. `loopback` as in `Errors`."""
    rules = _rules(resource)
    errors = Errors(loopback=loopback)
    metadata.on_create(errors, obj, namespaced=resource.namespaced, rule=rules.name)
    if rules.create is not None:
        rules.create(errors, obj)
    return errors


def on_update(resource: Resource, new: Object, old: Object, *, loopback: bool = False) -> Errors:
    """What is wrong with replacing `old`, as it is stored, by `new`."""
    rules = _rules(resource)
    errors = Errors(loopback=loopback)
    metadata.on_update(errors, new, old)
    if rules.update is not None:
        rules.update(errors, new, old)
    elif rules.create is not None:
        rules.create(errors, new)
    return errors


def on_status_update(resource: Resource, new: Object, old: Object) -> Errors:
    """What is wrong with a write to the status subresource."""
    rules = _rules(resource)
    errors = Errors()
    metadata.on_update(errors, new, old)
    if rules.status is not None:
        rules.status(errors, new, old)
    return errors


def on_subresource_update(resource: Resource, subresource: str, new: Object, old: Object) -> Errors:
    """The same for the other subresources that write the object: finalize, ephemeralcontainers, resize."""
    if subresource == "status":
        return on_status_update(resource, new, old)
    rules = _SUB_RULES.get(f"{resource.qualified}/{subresource}")
    errors = Errors()
    metadata.on_update(errors, new, old)
    if rules is not None and rules.update is not None:
        rules.update(errors, new, old)
    return errors
