"""Warnings: what is accepted, but will surprise whoever wrote it; clients show them (`Warning` headers, KEP-1693).

Worked out after validation, for new objects and for templates that change.
Source: `WarningsOnCreate` and `WarningsOnUpdate` of pkg/registry/<group>/<kind>/strategy.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wherry.api.dispatch import LazyTable
from wherry.api.resources import Resource
from wherry.api.types import Object

Warn = Callable[[Object], Iterable[str]]

_ON_CREATE: LazyTable[Warn] = LazyTable(
    __name__,
    {
        "pods": "pods:pod",
        "podtemplates": "workloads:pod_template",
        "replicationcontrollers": "workloads:plain",
        "deployments.apps": "workloads:named",
        "replicasets.apps": "workloads:named",
        "daemonsets.apps": "workloads:plain",
        "statefulsets.apps": "workloads:plain",
        "jobs.batch": "workloads:named",
        "cronjobs.batch": "workloads:cron_job",
        "services": "others:service",
        "ingresses.networking.k8s.io": "others:ingress",
        "persistentvolumeclaims": "others:claim",
        "persistentvolumes": "others:volume",
    },
)
_TEMPLATES = frozenset(
    ("replicationcontrollers", "deployments.apps", "replicasets.apps", "daemonsets.apps", "statefulsets.apps")
)


def on_create(resource: Resource, obj: Object) -> Iterable[str]:
    """What to tell the client that made `obj`."""
    found = _ON_CREATE.get(resource.qualified)
    return found(obj) if found is not None else ()


def on_update(resource: Resource, new: Object, old: Object) -> Iterable[str]:
    """What to tell the client that changed `old` to `new`: of templates, where the spec is another one."""
    if resource.qualified not in _TEMPLATES:
        return ()
    if new["metadata"].get("generation") == old["metadata"].get("generation"):
        return ()
    from wherry.api.warnings.workloads import plain

    return plain(new)
