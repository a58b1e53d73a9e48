"""Tables: what `kubectl get` shows, column definitions and cells, made on the server.

    definitions = tables.columns(resource)
    cells = tables.row(resource, obj, now)      # now in seconds since 1970

All columns are always there; clients leave out those of priority 1. Source: pkg/printers/internalversion.
"""

from __future__ import annotations

from wherry.api.dispatch import LazyTable
from wherry.api.resources import BUILTIN, Resource
from wherry.api.tables.columns import Table
from wherry.api.tables.plain import CREATED, CUSTOM
from wherry.api.types import Object

_TABLES: LazyTable[Table] = LazyTable(
    __name__,
    {
        "componentstatuses": "core:COMPONENT_STATUSES",
        "configmaps": "core:CONFIG_MAPS",
        "endpoints": "networking:ENDPOINTS",
        "events": "events:EVENTS",
        "namespaces": "core:NAMESPACES",
        "nodes": "nodes:NODES",
        "persistentvolumeclaims": "storage:CLAIMS",
        "persistentvolumes": "storage:VOLUMES",
        "pods": "pods:PODS",
        "podtemplates": "workloads:POD_TEMPLATES",
        "replicationcontrollers": "workloads:REPLICATION_CONTROLLERS",
        "resourcequotas": "core:RESOURCE_QUOTAS",
        "secrets": "core:SECRETS",
        "serviceaccounts": "core:SERVICE_ACCOUNTS",
        "services": "networking:SERVICES",
        "apiservices.apiregistration.k8s.io": "cluster:API_SERVICES",
        "controllerrevisions.apps": "workloads:CONTROLLER_REVISIONS",
        "daemonsets.apps": "workloads:DAEMON_SETS",
        "deployments.apps": "workloads:DEPLOYMENTS",
        "replicasets.apps": "workloads:REPLICA_SETS",
        "statefulsets.apps": "workloads:STATEFUL_SETS",
        "events.events.k8s.io": "events:EVENTS",
        "horizontalpodautoscalers.autoscaling": "autoscaling:AUTOSCALERS",
        "autoscaling/scale": "workloads:SCALES",
        "cronjobs.batch": "batch:CRON_JOBS",
        "jobs.batch": "batch:JOBS",
        "certificatesigningrequests.certificates.k8s.io": "cluster:CERTIFICATE_REQUESTS",
        "ingressclasses.networking.k8s.io": "networking:INGRESS_CLASSES",
        "ingresses.networking.k8s.io": "networking:INGRESSES",
        "ipaddresses.networking.k8s.io": "networking:IP_ADDRESSES",
        "networkpolicies.networking.k8s.io": "networking:NETWORK_POLICIES",
        "servicecidrs.networking.k8s.io": "networking:SERVICE_CIDRS",
        "poddisruptionbudgets.policy": "workloads:DISRUPTION_BUDGETS",
        "clusterrolebindings.rbac.authorization.k8s.io": "cluster:CLUSTER_ROLE_BINDINGS",
        "rolebindings.rbac.authorization.k8s.io": "cluster:ROLE_BINDINGS",
        "csidrivers.storage.k8s.io": "storage:CSI_DRIVERS",
        "csinodes.storage.k8s.io": "storage:CSI_NODES",
        "csistoragecapacities.storage.k8s.io": "storage:CSI_CAPACITIES",
        "storageclasses.storage.k8s.io": "storage:STORAGE_CLASSES",
        "volumeattachments.storage.k8s.io": "storage:ATTACHMENTS",
        "volumeattributesclasses.storage.k8s.io": "storage:ATTRIBUTES_CLASSES",
        "priorityclasses.scheduling.k8s.io": "cluster:PRIORITY_CLASSES",
        "leases.coordination.k8s.io": "cluster:LEASES",
        "runtimeclasses.node.k8s.io": "cluster:RUNTIME_CLASSES",
        "endpointslices.discovery.k8s.io": "networking:ENDPOINT_SLICES",
        "flowschemas.flowcontrol.apiserver.k8s.io": "cluster:FLOW_SCHEMAS",
        "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": "cluster:PRIORITY_LEVELS",
        "deviceclasses.resource.k8s.io": "plain:AGED",
        "resourceclaims.resource.k8s.io": "cluster:RESOURCE_CLAIMS",
        "resourceclaimtemplates.resource.k8s.io": "plain:AGED",
        "resourceslices.resource.k8s.io": "cluster:RESOURCE_SLICES",
        "mutatingadmissionpolicies.admissionregistration.k8s.io": "admission:MUTATING_POLICIES",
        "mutatingadmissionpolicybindings.admissionregistration.k8s.io": "admission:POLICY_BINDINGS",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io": "admission:WEBHOOKS",
        "validatingadmissionpolicies.admissionregistration.k8s.io": "admission:VALIDATING_POLICIES",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io": "admission:POLICY_BINDINGS",
        "validatingwebhookconfigurations.admissionregistration.k8s.io": "admission:WEBHOOKS",
    },
)
_BUILTIN = frozenset(resource.qualified for resource in BUILTIN)


def table(resource: Resource, subresource: str = "") -> Table:
    """The printer of a resource; name and age where the kind has none of its own."""
    if subresource == "scale" and resource.custom is None:
        return _TABLES.get("autoscaling/scale") or CREATED
    found = _TABLES.get(resource.qualified)
    if found is not None:
        return found
    if resource.custom is not None:
        return resource.custom.table
    return CREATED if resource.qualified in _BUILTIN else CUSTOM


def has_columns(resource: Resource) -> bool:
    """Whether a built-in kind has a printer of its own; else name and age (or creation) are shown."""
    return resource.qualified in _TABLES


def columns(resource: Resource, subresource: str = "") -> list[Object]:
    """The column definitions, as `metav1.Table.columnDefinitions`."""
    return [dict(column) for column in table(resource, subresource).columns]


def row(resource: Resource, obj: Object, now: float, subresource: str = "") -> list[object]:
    """The cells of one object, one per column."""
    return table(resource, subresource).row(obj, now)


_FINISHED = {
    "Succeeded": {
        "type": "Completed",
        "status": "True",
        "reason": "Succeeded",
        "message": "The pod has completed successfully.",
    },
    "Failed": {"type": "Completed", "status": "True", "reason": "Failed", "message": "The pod failed."},
}


def row_conditions(resource: Resource, obj: Object) -> list[Object]:
    """`conditions` of the table row: pods that are done say so."""
    if resource.qualified != "pods":
        return []
    found = _FINISHED.get((obj.get("status") or {}).get("phase") or "")
    return [dict(found)] if found else []
