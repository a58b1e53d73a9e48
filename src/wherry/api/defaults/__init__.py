"""Defaults: the values that the API server fills in where an object leaves a field out.

`apply` changes the object in place, in the version of the request, before validation and on every write, as upstream's
versioned defaulting does (`pkg/apis/<group>/<version>/defaults.go`). What only happens once, on create, or depends on
the verb is a strategy (`wherry.api.strategy`), not a default. A field that is null counts as left out.
"""

from __future__ import annotations

from collections.abc import Callable

from wherry.api.dispatch import LazyTable
from wherry.api.resources import Resource
from wherry.api.types import Object

Defaulter = Callable[[Object], None]

_DEFAULTERS: LazyTable[Defaulter] = LazyTable(
    __name__,
    {
        "configmaps": "core:config_map",
        "endpoints": "services:endpoints",
        "limitranges": "core:limit_range",
        "namespaces": "core:namespace",
        "nodes": "core:node",
        "persistentvolumeclaims": "storage:persistent_volume_claim",
        "persistentvolumes": "storage:persistent_volume",
        "pods": "pods:pod",
        "podtemplates": "workloads:pod_template",
        "replicationcontrollers": "workloads:replication_controller",
        "resourcequotas": "core:resource_quota",
        "secrets": "core:secret",
        "services": "services:service",
        "apiservices.apiregistration.k8s.io": "admission:api_service",
        "daemonsets.apps": "workloads:daemon_set",
        "deployments.apps": "workloads:deployment",
        "replicasets.apps": "workloads:replica_set",
        "statefulsets.apps": "workloads:stateful_set",
        "horizontalpodautoscalers.autoscaling": "autoscaling:horizontal_pod_autoscaler",
        "cronjobs.batch": "batch:cron_job",
        "jobs.batch": "batch:job",
        "ingressclasses.networking.k8s.io": "networking:ingress_class",
        "networkpolicies.networking.k8s.io": "networking:network_policy",
        "clusterrolebindings.rbac.authorization.k8s.io": "rbac:binding",
        "rolebindings.rbac.authorization.k8s.io": "rbac:binding",
        "csidrivers.storage.k8s.io": "storage:csi_driver",
        "storageclasses.storage.k8s.io": "storage:storage_class",
        "customresourcedefinitions.apiextensions.k8s.io": "admission:custom_resource_definition",
        "priorityclasses.scheduling.k8s.io": "core:priority_class",
        "runtimeclasses.node.k8s.io": "core:runtime_class",
        "endpointslices.discovery.k8s.io": "services:endpoint_slice",
        "flowschemas.flowcontrol.apiserver.k8s.io": "flowcontrol:flow_schema",
        "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": "flowcontrol:priority_level",
        "deviceclasses.resource.k8s.io": "dra:device_class",
        "resourceclaims.resource.k8s.io": "dra:resource_claim",
        "resourceclaimtemplates.resource.k8s.io": "dra:resource_claim_template",
        "mutatingadmissionpolicies.admissionregistration.k8s.io": "admission:policy",
        "mutatingadmissionpolicybindings.admissionregistration.k8s.io": "admission:policy_binding",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io": "admission:mutating_webhooks",
        "validatingadmissionpolicies.admissionregistration.k8s.io": "admission:policy",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io": "admission:policy_binding",
        "validatingwebhookconfigurations.admissionregistration.k8s.io": "admission:validating_webhooks",
    },
)


def has_defaults(resource: Resource) -> bool:
    """Whether a built-in kind has any."""
    return resource.qualified in _DEFAULTERS


def apply(resource: Resource, obj: Object) -> None:
    """Fill in what `obj` leaves out, in place. The types of its fields must have been checked before."""
    defaulter = _DEFAULTERS.get(resource.qualified)
    if defaulter is not None:
        defaulter(obj)
    elif resource.custom is not None:
        resource.custom.default(obj)
