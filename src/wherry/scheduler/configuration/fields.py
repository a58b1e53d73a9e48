"""Which fields a KubeSchedulerConfiguration has, and of what type. Source: k8s.io/kube-scheduler/config/v1 (types*.go)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Shape = Any
"""A type, a one-element list of a shape, a mapping of names to shapes, or `ANY`."""

ANY = object()

_PLUGIN = {"name": str, "weight": int}
_SET = {"enabled": [_PLUGIN], "disabled": [_PLUGIN]}
POINTS = (
    "preEnqueue", "queueSort", "preFilter", "filter", "postFilter", "preScore", "score", "reserve", "permit", "preBind",
    "bind", "postBind", "multiPoint",
)  # fmt: skip

_RESOURCES = [{"name": str, "weight": int}]
_CURVE = [{"utilization": int, "score": int}]
_HEAD = {"apiVersion": str, "kind": str}

ARGS: Mapping[str, Mapping[str, Shape]] = {
    "DefaultPreemption": {**_HEAD, "minCandidateNodesPercentage": int, "minCandidateNodesAbsolute": int},
    "InterPodAffinity": {**_HEAD, "hardPodAffinityWeight": int, "ignorePreferredTermsOfExistingPods": bool},
    "NodeAffinity": {**_HEAD, "addedAffinity": ANY},
    "NodeResourcesBalancedAllocation": {**_HEAD, "resources": _RESOURCES},
    "NodeResourcesFit": {
        **_HEAD,
        "ignoredResources": [str],
        "ignoredResourceGroups": [str],
        "scoringStrategy": {"type": str, "resources": _RESOURCES, "requestedToCapacityRatio": {"shape": _CURVE}},
    },
    "PodTopologySpread": {**_HEAD, "defaultConstraints": [ANY], "defaultingType": str},
    "VolumeBinding": {**_HEAD, "bindTimeoutSeconds": int, "shape": _CURVE},
    "DynamicResources": {**_HEAD, "filterTimeout": str, "bindingTimeout": str},
}

_PROFILE = {
    "schedulerName": str,
    "percentageOfNodesToScore": int,
    "plugins": dict.fromkeys(POINTS, _SET),
    "pluginConfig": [{"name": str, "args": ANY}],
}
_TLS = {
    "insecure": bool,
    "serverName": str,
    "certFile": str,
    "keyFile": str,
    "caFile": str,
    "certData": str,
    "keyData": str,
    "caData": str,
}
_EXTENDER = {
    "urlPrefix": str,
    "filterVerb": str,
    "preemptVerb": str,
    "prioritizeVerb": str,
    "weight": int,
    "bindVerb": str,
    "enableHTTPS": bool,
    "tlsConfig": _TLS,
    "httpTimeout": str,
    "nodeCacheCapable": bool,
    "managedResources": [{"name": str, "ignoredByScheduler": bool}],
    "ignorable": bool,
}
CONFIGURATION: Mapping[str, Shape] = {
    **_HEAD,
    "parallelism": int,
    "leaderElection": {
        "leaderElect": bool,
        "leaseDuration": str,
        "renewDeadline": str,
        "retryPeriod": str,
        "resourceLock": str,
        "resourceName": str,
        "resourceNamespace": str,
    },
    "clientConnection": {
        "kubeconfig": str,
        "acceptContentTypes": str,
        "contentType": str,
        "qps": float,
        "burst": int,
    },
    "enableProfiling": bool,
    "enableContentionProfiling": bool,
    "percentageOfNodesToScore": int,
    "podInitialBackoffSeconds": int,
    "podMaxBackoffSeconds": int,
    "profiles": [_PROFILE],
    "extenders": [_EXTENDER],
    "delayCacheUntilActive": bool,
}

_NAMES = {str: "string", int: "int64", bool: "bool", float: "float64"}


def problems(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """What does not fit, in the words of the strict decoder. A missing value (null) fits everything."""
    if value is None or shape is ANY:
        return
    if isinstance(shape, Mapping):
        yield from _struct_problems(value, shape, path)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{path}: must be a list"
            return
        for i, each in enumerate(value):
            yield from problems(each, shape[0], f"{path}[{i}]")
    elif not _is_of(value, shape):
        yield f"{path}: must be of type {_NAMES[shape]}"


def _struct_problems(value: Any, shape: Mapping[str, Shape], path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path or 'the file'}: must be an object"
        return
    for name, each in value.items():
        inner = f"{path}.{name}" if path else str(name)
        if name not in shape:
            yield f'unknown field "{inner}"'
        else:
            yield from problems(each, shape[name], inner)


def _is_of(value: Any, kind: type) -> bool:
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is not int or not isinstance(value, bool))
