"""Containers must be required to run as somebody other than root."""

from __future__ import annotations

from wherry.policy.podsecurity.subject import Subject, Violation, named, setters

_REASON = "runAsNonRoot != true"


def since_0(pod: Subject) -> Violation | None:
    own = pod.security.get("runAsNonRoot")
    given = [(name, security.get("runAsNonRoot")) for name, _, security in pod.containers]
    refusing = [name for name, value in given if value is False]
    if own is False or refusing:
        return Violation(_REASON, f"{setters(own is False, refusing)} must not set securityContext.runAsNonRoot=false")
    silent = [name for name, value in given if value is None]
    if own or not silent:
        return None
    return Violation(_REASON, f"pod or {named('container', silent)} must set securityContext.runAsNonRoot=true")


def since_35(pod: Subject) -> Violation | None:
    return None if pod.own_users else since_0(pod)
