"""What the three controllers ask of a CertificateSigningRequest."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.base.times import rfc3339

RESOURCE = "certificatesigningrequests"


def condition(request: Object, type: str) -> Object | None:
    """The condition of that type, if it is there."""
    conditions = (request.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each.get("type") == type), None)


def is_decided(request: Object) -> bool:
    return condition(request, "Approved") is not None or condition(request, "Denied") is not None


def has_certificate(request: Object) -> bool:
    return bool((request.get("status") or {}).get("certificate"))


def with_condition(request: Object, type: str, *, reason: str, message: str, now: float) -> Object:
    """A copy with one condition more."""
    status = request.get("status") or {}
    time = rfc3339(now)
    added = {
        "type": type,
        "status": "True",
        "reason": reason,
        "message": message,
        "lastUpdateTime": time,
        "lastTransitionTime": time,
    }
    return {**request, "status": {**status, "conditions": [*(status.get("conditions") or ()), added]}}
