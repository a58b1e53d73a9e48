"""Nodes and pods as the workloads of scheduler_perf have them. Source: test/integration/scheduler_perf/templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]

ZONE, HOSTNAME = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
REQUIRED, PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)
GREEN, BLUE = {"color": "green"}, {"color": "blue"}
HIGH = "bench-high"


def node(name: str, zones: int = 0, number: int = 0) -> Object:
    """4 CPUs, 32 GiB, 110 pods; ready, as if its agent had just said so."""
    resources = {"cpu": "4", "memory": "32Gi", "pods": "110"}
    labels = {HOSTNAME: name} | ({ZONE: f"moon-{number % zones + 1}"} if zones else {})
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {
            "capacity": resources,
            "allocatable": resources,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
        },
    }


def pod(name: str, *, cpu: str = "100m", memory: str = "500Mi", labels: Mapping[str, str] = {}, **spec: Any) -> Object:
    requests = {"cpu": cpu, "memory": memory}
    container = {"name": "pause", "image": "registry.k8s.io/pause:3.10", "ports": [{"containerPort": 80}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {"containers": [{**container, "resources": {"requests": requests, "limits": requests}}], **spec},
    }


def plain(name: str) -> Object:
    return pod(name)


def low_priority(name: str) -> Object:
    """Gone at once when deleted: there is nobody who would end it."""
    return pod(name, cpu="900m", terminationGracePeriodSeconds=0)


def high_priority(name: str) -> Object:
    return pod(name, cpu="3000m", priorityClassName=HIGH)


def large_cpu(name: str) -> Object:
    """More than any node has."""
    return pod(name, cpu="9", priorityClassName=HIGH)


def anti_affinity(name: str) -> Object:
    return pod(name, labels=GREEN, affinity={"podAntiAffinity": {REQUIRED: [_term(GREEN, HOSTNAME)]}})


def affinity(name: str) -> Object:
    return pod(name, labels=BLUE, affinity={"podAffinity": {REQUIRED: [_term(BLUE, ZONE)]}})


def preferred_affinity(name: str) -> Object:
    term = {"weight": 1, "podAffinityTerm": _term({"color": "red"}, HOSTNAME)}
    return pod(name, labels={"color": "red"}, affinity={"podAffinity": {PREFERRED: [term]}})


def preferred_anti_affinity(name: str) -> Object:
    term = {"weight": 1, "podAffinityTerm": _term({"color": "yellow"}, HOSTNAME)}
    return pod(name, labels={"color": "yellow"}, affinity={"podAntiAffinity": {PREFERRED: [term]}})


def node_affinity(name: str) -> Object:
    expression = {"key": ZONE, "operator": "In", "values": ["moon-1", "moon-2"]}
    required = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    return pod(name, affinity={"nodeAffinity": {REQUIRED: required}})


def spreading(name: str) -> Object:
    return pod(name, labels=BLUE, topologySpreadConstraints=[_spread("DoNotSchedule")])


def preferred_spreading(name: str) -> Object:
    return pod(name, labels=BLUE, topologySpreadConstraints=[_spread("ScheduleAnyway")])


def _term(labels: Mapping[str, str], topology: str) -> Object:
    return {"labelSelector": {"matchLabels": dict(labels)}, "topologyKey": topology}


def _spread(when: str) -> Object:
    return {"maxSkew": 5, "topologyKey": ZONE, "whenUnsatisfiable": when, "labelSelector": {"matchLabels": BLUE}}
