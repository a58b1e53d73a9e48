"""`componentstatuses`, deprecated but still asked for: is the store there, do the elected components renew their leases?"""

from __future__ import annotations

from wherry.api.errors import not_found
from wherry.api.types import Object
from wherry.apiserver.answers import data_reply, object_reply
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix
from wherry.base.times import parse_rfc3339

_LEASES = {"controller-manager": "kube-controller-manager", "scheduler": "kube-scheduler"}
_LEASE_PREFIX = storage_prefix("coordination.k8s.io", "leases") + "kube-system/"


def _status(name: str, message: str, *, healthy: bool) -> Object:
    condition = {"type": "Healthy", "status": "True" if healthy else "False", "message": message}
    metadata: Object = {"name": name, "creationTimestamp": None}
    return {"kind": "ComponentStatus", "apiVersion": "v1", "metadata": metadata, "conditions": [condition]}


def _elected(call: Call, name: str, lease_name: str) -> Object:
    entry = call.parts.store.get(_LEASE_PREFIX + lease_name)
    if entry is None:
        return _status(name, "no lease", healthy=False)
    spec = decoded(entry).get("spec") or {}
    renewed = spec.get("renewTime")
    age = call.parts.clock.now() - parse_rfc3339(renewed) if renewed else float("inf")
    healthy = age <= 2 * (spec.get("leaseDurationSeconds") or 15)
    return _status(name, "ok" if healthy else "the lease is not renewed", healthy=healthy)


def _statuses(call: Call) -> list[Object]:
    found = [_elected(call, name, lease) for name, lease in _LEASES.items()]
    return sorted([*found, _status("etcd-0", "ok", healthy=True)], key=lambda each: str(each["metadata"]["name"]))


def list_(call: Call) -> Answer:
    from wherry.apiserver.answers import wanted
    from wherry.apiserver.transforms import table

    form = wanted(call)
    metadata: Object = {"resourceVersion": ""}
    if form.transform == "Table":
        return data_reply(call, table(call, form, _statuses(call), metadata))
    return data_reply(
        call, {"kind": "ComponentStatusList", "apiVersion": "v1", "metadata": metadata, "items": _statuses(call)}
    )


def get(call: Call) -> Answer:
    for status in _statuses(call):
        if status["metadata"]["name"] == call.info.name:
            return object_reply(call, status)
    raise not_found("", "componentstatuses", call.info.name)


HANDLERS = {"get": get, "list": list_}
