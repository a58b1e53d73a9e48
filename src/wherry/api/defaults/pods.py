"""Defaults of pods, and of the pod specs inside every template.

What only a Pod gets (requests from limits, service links, host ports) stays out of templates, as upstream keeps it.
Source: `SetDefaults_Pod` and `SetDefaults_PodSpec` in pkg/apis/core/v1/defaults.go.
"""

from __future__ import annotations

from wherry.api.defaults.containers import container
from wherry.api.defaults.quantities import resource_list
from wherry.api.defaults.volumes import volume
from wherry.api.pod_resources import effective_requests
from wherry.api.types import Object

_CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")


def pod(obj: Object) -> None:
    spec = obj.get("spec")
    if spec is None:
        spec = obj["spec"] = {}
    pod_spec(spec)
    _requests_from_limits(spec.get("containers") or ())
    _requests_from_limits(spec.get("initContainers") or ())
    if resources := spec.get("resources"):
        _pod_level(resources, spec)
    if spec.get("enableServiceLinks") is None:
        spec["enableServiceLinks"] = True
    if spec.get("hostNetwork"):
        _host_ports(spec.get("containers") or ())
        _host_ports(spec.get("initContainers") or ())


def pod_spec(spec: Object) -> None:
    """What every pod spec gets, in a pod or in a template."""
    if not spec.get("dnsPolicy"):
        spec["dnsPolicy"] = "ClusterFirst"
    if not spec.get("restartPolicy"):
        spec["restartPolicy"] = "Always"
    if spec.get("securityContext") is None:
        spec["securityContext"] = {}
    if spec.get("terminationGracePeriodSeconds") is None:
        spec["terminationGracePeriodSeconds"] = 30
    if not spec.get("schedulerName"):
        spec["schedulerName"] = "default-scheduler"
    _account(spec)
    for key in _CONTAINER_LISTS:
        for found in spec.get(key) or ():
            container(found)
    for found in spec.get("volumes") or ():
        volume(found)
    if overhead := spec.get("overhead"):
        resource_list(overhead)


def template(found: Object) -> None:
    """A PodTemplateSpec."""
    if found.get("metadata") is None:
        found["metadata"] = {}
    spec = found.get("spec")
    if spec is None:
        spec = found["spec"] = {}
    pod_spec(spec)


def _account(spec: Object) -> None:
    """`serviceAccount` is the old name of `serviceAccountName`; v1 always shows both."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def _requests_from_limits(containers: list[Object] | tuple[()]) -> None:
    for found in containers:
        resources = found.get("resources")
        if not resources or not (limits := resources.get("limits")):
            continue
        requests = resources.get("requests")
        resources["requests"] = {**limits, **requests} if requests else dict(limits)


def _pod_level(resources: Object, spec: Object) -> None:
    """KEP-2837: the pod's own requests, from its containers' or else its limits."""
    for key in ("limits", "requests"):
        if quantities := resources.get(key):
            resource_list(quantities)
    limits = resources.get("limits")
    if not limits:
        return
    requests = dict(resources.get("requests") or {})
    totals = effective_requests(spec)
    for name in ("cpu", "memory"):
        if name in totals:
            requests.setdefault(name, totals[name])
    for name, value in limits.items():
        if name in ("cpu", "memory") or name.startswith("hugepages-"):
            requests.setdefault(name, value)
    if requests:
        resources["requests"] = requests


def _host_ports(containers: list[Object] | tuple[()]) -> None:
    for found in containers:
        for port in found.get("ports") or ():
            if not port.get("hostPort"):
                port["hostPort"] = port.get("containerPort")
