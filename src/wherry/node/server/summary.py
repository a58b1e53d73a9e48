"""`/stats/summary`: the same figures as JSON. Source: k8s.io/kubelet/pkg/apis/stats/v1alpha1."""

from __future__ import annotations

from itertools import groupby

import orjson

from wherry.api.types import Object
from wherry.base.times import rfc3339
from wherry.node.server.measurement import ContainerUse, Measurement
from wherry.wire.messages import Response


def render(measured: Measurement, node_name: str) -> Object:
    """A `Summary`; what is not measured is left out, as upstream leaves out what its driver does not know."""
    time = rfc3339(measured.at)
    ordered = sorted(measured.containers, key=lambda c: (c.namespace, c.pod, c.name))
    groups = groupby(ordered, key=lambda c: (c.namespace, c.pod, c.pod_uid))
    return {
        "node": {
            "nodeName": node_name,
            "cpu": _cpu(time, measured.node_cpu_seconds),
            "memory": {
                **_memory(time, measured.node_memory_bytes),
                "availableBytes": measured.node_memory_available_bytes,
            },
        },
        "pods": [_pod(time, *key, list(group)) for key, group in groups],
    }


def _pod(time: str, namespace: str, name: str, uid: str, containers: list[ContainerUse]) -> Object:
    return {
        "podRef": {"name": name, "namespace": namespace, "uid": uid},
        "startTime": rfc3339(min(c.started_at for c in containers)),
        "containers": [
            {
                "name": c.name,
                "startTime": rfc3339(c.started_at),
                "cpu": _cpu(time, c.cpu_seconds),
                "memory": _memory(time, c.memory_bytes),
            }
            for c in containers
        ],
        "cpu": _cpu(time, sum(c.cpu_seconds for c in containers)),
        "memory": _memory(time, sum(c.memory_bytes for c in containers)),
    }


def _cpu(time: str, seconds: float) -> Object:
    return {"time": time, "usageCoreNanoSeconds": int(seconds * 1e9)}


def _memory(time: str, size: int) -> Object:
    return {"time": time, "usageBytes": size, "workingSetBytes": size}


def response(measured: Measurement, node_name: str) -> Response:
    return Response(200, orjson.dumps(render(measured, node_name)))
