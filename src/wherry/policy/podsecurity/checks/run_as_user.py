"""Nobody asks to be root."""

from __future__ import annotations

from wherry.policy.podsecurity.subject import Subject, Violation, setters


def since_23(pod: Subject) -> Violation | None:
    own = pod.security.get("runAsUser") == 0
    bad = [name for name, _, security in pod.containers if security.get("runAsUser") == 0]
    return Violation("runAsUser=0", f"{setters(own, bad)} must not set runAsUser=0") if own or bad else None


def since_35(pod: Subject) -> Violation | None:
    return None if pod.own_users else since_23(pod)
