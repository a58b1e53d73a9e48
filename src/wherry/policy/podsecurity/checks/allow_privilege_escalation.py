"""Processes must not get more rights than their parent: `allowPrivilegeEscalation` must be set to false."""

from __future__ import annotations

from wherry.policy.podsecurity.subject import Subject, Violation, named


def since_8(pod: Subject) -> Violation | None:
    bad = [name for name, _, security in pod.containers if security.get("allowPrivilegeEscalation") is not False]
    if not bad:
        return None
    detail = f"{named('container', bad)} must set securityContext.allowPrivilegeEscalation=false"
    return Violation("allowPrivilegeEscalation != false", detail)


def since_25(pod: Subject) -> Violation | None:
    """Windows knows nothing of it."""
    return None if pod.windows else since_8(pod)
