"""APIService objects: read, made, and their one condition. Pure.

Source: kube-aggregator pkg/apis/apiregistration/v1 (types.go, helper).
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.apiserver.aggregation.priorities import Priority

MANAGED = "kube-aggregator.kubernetes.io/automanaged"
ON_START, ALWAYS = "onstart", "true"
DEFAULT_PORT = 443
_LOCAL = ("True", "Local", "Local APIServices are always available")


@dataclass(frozen=True, slots=True)
class ServiceReference:
    namespace: str
    name: str
    port: int

    @property
    def host(self) -> str:
        """The name that the service's certificate must have."""
        return f"{self.name}.{self.namespace}.svc"


@dataclass(frozen=True, slots=True)
class Registration:
    """What an APIService asks for. `service` is None where this server itself answers."""

    name: str
    group: str
    version: str
    priority: Priority
    service: ServiceReference | None
    ca: str
    insecure: bool


def registration_of(api_service: Object) -> Registration:
    spec = api_service.get("spec") or {}
    service = spec.get("service")
    reference = None
    if service is not None:
        port = service.get("port") or DEFAULT_PORT
        reference = ServiceReference(service.get("namespace") or "", service.get("name") or "", port)
    return Registration(
        name=api_service["metadata"]["name"],
        group=spec.get("group") or "",
        version=spec.get("version") or "",
        priority=Priority(spec.get("groupPriorityMinimum") or 0, spec.get("versionPriority") or 0),
        service=reference,
        ca=b64decode(spec.get("caBundle") or "").decode(errors="replace"),
        insecure=bool(spec.get("insecureSkipTLSVerify")),
    )


def name_of(group: str, version: str) -> str:
    return f"{version}.{group}"


def local_service(group: str, version: str, priority: Priority, *, managed: str, now: str) -> Object:
    """The APIService of a group that this server serves itself; `managed` says whether it always comes back."""
    condition = _condition(*_LOCAL, now)
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": name_of(group, version), "labels": {MANAGED: managed}},
        "spec": {
            "group": group,
            "version": version,
            "groupPriorityMinimum": priority.group,
            "versionPriority": priority.version,
        },
        "status": {"conditions": [condition]},
    }


def managed_by(api_service: Object) -> str:
    labels: Object = api_service["metadata"].get("labels") or {}
    return str(labels.get(MANAGED, ""))


def is_available(api_service: Object) -> bool:
    found = _found(api_service)
    return found is not None and found["status"] == "True"


def with_local(api_service: Object, now: str) -> Object | None:
    return with_condition(api_service, *_LOCAL, now)


def with_condition(api_service: Object, status: str, reason: str, message: str, now: str) -> Object | None:
    """A copy that says so, with the time since when; None where it says so already."""
    before = _found(api_service)
    if before is not None and (before["status"], before.get("reason"), before.get("message")) == (
        status,
        reason,
        message,
    ):
        return None
    since = now if before is None or before["status"] != status else before.get("lastTransitionTime", now)
    old = api_service.get("status") or {}
    others = [each for each in old.get("conditions") or () if each["type"] != "Available"]
    conditions = [*others, _condition(status, reason, message, since)]
    return {
        **api_service,
        "metadata": dict(api_service["metadata"]),
        "status": {**old, "conditions": conditions},
    }


def _found(api_service: Object) -> Object | None:
    conditions = (api_service.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == "Available"), None)


def _condition(status: str, reason: str, message: str, since: str) -> Object:
    return {
        "type": "Available",
        "status": status,
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    }
