"""Privileged containers switch most protections off."""

from __future__ import annotations

from wherry.policy.podsecurity.subject import Subject, Violation, named


def since_0(pod: Subject) -> Violation | None:
    bad = [name for name, _, security in pod.containers if security.get("privileged")]
    if not bad:
        return None
    return Violation("privileged", f"{named('container', bad)} must not set securityContext.privileged=true")
