"""Which description each kind has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from wherry.api.dispatch import LazyTable
from wherry.api.resources import Resource
from wherry.api.types import Object
from wherry.cli.describing.cluster import Cluster
from wherry.cli.describing.writer import Writer

Describe = Callable[[Writer, Object, Cluster], Awaitable[None]]

_TABLE = {
    "pods": "pods:describe",
    "nodes": "nodes:describe",
    "namespaces": "configs:namespace",
    "configmaps": "configs:config_map",
    "secrets": "configs:secret",
    "serviceaccounts": "configs:service_account",
    "resourcequotas": "configs:resource_quota",
    "limitranges": "configs:limit_range",
    "services": "services:service",
    "endpoints": "services:endpoints",
    "endpointslices.discovery.k8s.io": "services:endpoint_slice",
    "ingresses.networking.k8s.io": "services:ingress",
    "replicationcontrollers": "workloads:replica_set",
    "deployments.apps": "workloads:deployment",
    "replicasets.apps": "workloads:replica_set",
    "daemonsets.apps": "workloads:daemon_set",
    "statefulsets.apps": "workloads:stateful_set",
    "jobs.batch": "jobs:job",
    "cronjobs.batch": "jobs:cron_job",
    "persistentvolumes": "storage:volume",
    "persistentvolumeclaims": "storage:claim",
    "storageclasses.storage.k8s.io": "storage:storage_class",
    "roles.rbac.authorization.k8s.io": "access:role",
    "clusterroles.rbac.authorization.k8s.io": "access:role",
    "rolebindings.rbac.authorization.k8s.io": "access:binding",
    "clusterrolebindings.rbac.authorization.k8s.io": "access:binding",
    "priorityclasses.scheduling.k8s.io": "access:priority_class",
}
_DESCRIPTIONS: LazyTable[Describe] = LazyTable("wherry.cli.describing", _TABLE)


async def describe(resource: Resource, obj: Object, cluster: Cluster) -> str:
    """The object as text."""
    from wherry.cli.describing import generic

    out = Writer()
    await (_DESCRIPTIONS.get(resource.qualified) or generic.describe)(out, obj, cluster)
    return out.text()
