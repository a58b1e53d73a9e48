"""What field selectors may ask of each kind, and the values that an object answers with.

`metadata.name` works for every kind, `metadata.namespace` for every namespaced one. Values are texts as Go prints
them: `true`, `0`, and an empty text for what is not set. Source: `ToSelectableFields` of each registry and the field
label conversions of each API version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wherry.api.resources import Resource
from wherry.api.types import Object

Fields = Callable[[Object], dict[str, str]]
Labels = tuple[str, ...]


def labels(resource: Resource) -> frozenset[str]:
    """The fields by which objects of this resource can be selected."""
    known = _labels(resource.qualified, resource.namespaced)
    return known if resource.custom is None else known.union(resource.custom.selectable_labels())


def fields(resource: Resource, obj: Object) -> dict[str, str]:
    """The value of each selectable field."""
    metadata = obj["metadata"]
    found = {"metadata.name": metadata.get("name", "")}
    if resource.namespaced:
        found["metadata.namespace"] = metadata.get("namespace", "")
    special = _SPECIAL.get(resource.qualified)
    if special is not None:
        found.update(special(obj))
    elif resource.custom is not None:
        found.update(resource.custom.selectable_fields(obj))
    return found


def value(resource: Resource, obj: Object, label: str) -> str:
    """One field; `KeyError` where it is not selectable."""
    if label == "metadata.name":
        return str(obj["metadata"].get("name", ""))
    return fields(resource, obj)[label]


def unsupported(resource: Resource, label: str) -> str:
    """The text for a field that this kind cannot be selected by."""
    if resource.custom is not None:
        return f"field label not supported: {label}"
    return _TEXTS.get(resource.qualified, _ONLY_METADATA).format(label)


def first_unsupported(resource: Resource, asked: list[str]) -> str | None:
    """The error text for the first field that is not selectable, or None when all are."""
    known = labels(resource)
    return next((unsupported(resource, label) for label in asked if label not in known), None)


def _labels(qualified: str, namespaced: bool) -> frozenset[str]:
    key = (qualified, namespaced)
    found = _KNOWN.get(key)
    if found is None:
        always = {"metadata.name", "metadata.namespace"} if namespaced else {"metadata.name"}
        special = _SPECIAL.get(qualified)
        found = frozenset(always | set(special({"metadata": {}}) if special else ()))
        if special is not None:
            # Only built-in kinds are kept; names of custom resources come and go.
            _KNOWN[key] = found
    return found


_KNOWN: dict[tuple[str, bool], frozenset[str]] = {}


def _text(found: Any) -> str:
    if found is None:
        return ""
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found)


def _part(obj: Object, key: str) -> Mapping[str, Any]:
    return obj.get(key) or {}


def _pod(obj: Object) -> dict[str, str]:
    spec, status = _part(obj, "spec"), _part(obj, "status")
    addresses = status.get("podIPs") or ()
    return {
        # The name from before v1, which clients of those days send.
        "spec.host": spec.get("nodeName") or "",
        "spec.nodeName": spec.get("nodeName") or "",
        "spec.restartPolicy": spec.get("restartPolicy") or "",
        "spec.schedulerName": spec.get("schedulerName") or "",
        "spec.serviceAccountName": spec.get("serviceAccountName") or "",
        "spec.hostNetwork": _text(bool(spec.get("hostNetwork"))),
        "status.phase": status.get("phase") or "",
        "status.podIP": addresses[0].get("ip", "") if addresses else status.get("podIP") or "",
        "status.podIPs": addresses[0].get("ip", "") if addresses else status.get("podIP") or "",
        "status.nominatedNodeName": status.get("nominatedNodeName") or "",
    }


def _core_event(obj: Object) -> dict[str, str]:
    return _event(obj, _part(obj, "involvedObject"), "involvedObject", _part(obj, "source").get("component"))


def _new_event(obj: Object) -> dict[str, str]:
    return _event(obj, _part(obj, "regarding"), "regarding", _part(obj, "deprecatedSource").get("component"))


_REFERENCE = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")


def _event(obj: Object, about: Mapping[str, Any], prefix: str, source: str | None) -> dict[str, str]:
    reporting = obj.get("reportingController") or obj.get("reportingComponent") or ""
    return {
        **{f"{prefix}.{key}": about.get(key) or "" for key in _REFERENCE},
        "reason": obj.get("reason") or "",
        "reportingComponent" if prefix == "involvedObject" else "reportingController": reporting,
        "source": source or reporting,
        "type": obj.get("type") or "",
    }


def _namespace(obj: Object) -> dict[str, str]:
    phase = _part(obj, "status").get("phase") or ""
    return {"status.phase": phase}


def _secret(obj: Object) -> dict[str, str]:
    return {"type": obj.get("type") or ""}


def _node(obj: Object) -> dict[str, str]:
    return {"spec.unschedulable": _text(bool(_part(obj, "spec").get("unschedulable")))}


def _replicas(obj: Object) -> dict[str, str]:
    return {"status.replicas": _text(_part(obj, "status").get("replicas") or 0)}


def _job(obj: Object) -> dict[str, str]:
    return {"status.successful": _text(_part(obj, "status").get("succeeded") or 0)}


def _service(obj: Object) -> dict[str, str]:
    spec = _part(obj, "spec")
    return {"spec.clusterIP": spec.get("clusterIP") or "", "spec.type": spec.get("type") or ""}


def _certificate_request(obj: Object) -> dict[str, str]:
    return {"spec.signerName": _part(obj, "spec").get("signerName") or ""}


def _resource_slice(obj: Object) -> dict[str, str]:
    spec = _part(obj, "spec")
    return {"spec.nodeName": spec.get("nodeName") or "", "spec.driver": spec.get("driver") or ""}


_SPECIAL: dict[str, Fields] = {
    "pods": _pod,
    "events": _core_event,
    "events.events.k8s.io": _new_event,
    "namespaces": _namespace,
    "secrets": _secret,
    "nodes": _node,
    "replicationcontrollers": _replicas,
    "replicasets.apps": _replicas,
    "jobs.batch": _job,
    "services": _service,
    "certificatesigningrequests.certificates.k8s.io": _certificate_request,
    "resourceslices.resource.k8s.io": _resource_slice,
}

_ONLY_METADATA = '"{}" is not a known field selector: only "metadata.name", "metadata.namespace"'
_TEXTS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "pods", "nodes", "replicationcontrollers", "events", "events.events.k8s.io", "namespaces", "secrets",
            "services", "certificatesigningrequests.certificates.k8s.io",
        ),
        "field label not supported: {}",
    ),
    "jobs.batch": 'field label "{}" not supported for batchv1.Job',
    "statefulsets.apps": "field label not supported for appsv1.StatefulSet: {}",
    "resourceslices.resource.k8s.io": (
        "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: {}"
    ),
}  # fmt: skip
"""What each kind says of a field that it does not know; kinds without fields of their own share one text."""
