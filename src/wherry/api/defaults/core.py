"""Defaults of the small core kinds: secrets, namespaces, nodes, limit ranges, quotas, priority classes.

Source: pkg/apis/core/v1/defaults.go, pkg/apis/scheduling/v1/defaults.go.
"""

from __future__ import annotations

from wherry.api.defaults.fields import if_absent, if_zero, section
from wherry.api.defaults.quantities import resource_list
from wherry.api.types import Object

NAME_LABEL = "kubernetes.io/metadata.name"


def config_map(obj: Object) -> None:
    """Nothing is filled in; an empty `data` is dropped, as upstream's encoding does."""
    for key in ("data", "binaryData"):
        if key in obj and not obj[key]:
            del obj[key]


def secret(obj: Object) -> None:
    if_zero(obj, "type", "Opaque")


def namespace(obj: Object) -> None:
    metadata = section(obj, "metadata")
    # A name still to be generated gets its label when it is there (strategy).
    if name := metadata.get("name"):
        labels = metadata.get("labels")
        if labels is None:
            labels = metadata["labels"] = {}
        labels[NAME_LABEL] = name
    section(obj, "spec")
    if_zero(section(obj, "status"), "phase", "Active")


def node(obj: Object) -> None:
    _pod_range(section(obj, "spec"))
    status = section(obj, "status")
    for key in ("capacity", "allocatable"):
        if found := status.get(key):
            resource_list(found)
    if status.get("allocatable") is None and status.get("capacity") is not None:
        status["allocatable"] = dict(status["capacity"])


def _pod_range(spec: Object) -> None:
    """`podCIDR` is the first of `podCIDRs`; whoever knows only the old field is believed."""
    one, many = spec.get("podCIDR"), spec.get("podCIDRs")
    if one and (not many or many[0] != one):
        spec["podCIDRs"] = [one]
    elif many and not one:
        spec["podCIDR"] = many[0]


def limit_range(obj: Object) -> None:
    for item in section(obj, "spec").get("limits") or ():
        for key in ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio"):
            if found := item.get(key):
                resource_list(found)
        if item.get("type") == "Container":
            _container_limits(item)


def _container_limits(item: Object) -> None:
    """A limit left open is the maximum; a request left open is the limit, or else the minimum."""
    limits = {**(item.get("max") or {}), **(item.get("default") or {})}
    requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
    if limits:
        item["default"] = limits
    if requests:
        item["defaultRequest"] = requests


def resource_quota(obj: Object) -> None:
    for found in (section(obj, "spec").get("hard"), *map(section(obj, "status").get, ("hard", "used"))):
        if found:
            resource_list(found)


def priority_class(obj: Object) -> None:
    if_absent(obj, "preemptionPolicy", "PreemptLowerPriority")


def runtime_class(obj: Object) -> None:
    if fixed := (obj.get("overhead") or {}).get("podFixed"):
        resource_list(fixed)
