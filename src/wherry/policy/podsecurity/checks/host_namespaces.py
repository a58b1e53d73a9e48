"""Pods must not share the node's network, processes or IPC."""

from __future__ import annotations

from wherry.policy.podsecurity.subject import Subject, Violation

_FIELDS = ("hostIPC", "hostNetwork", "hostPID")


def since_0(pod: Subject) -> Violation | None:
    shared = [field for field in _FIELDS if pod.spec.get(field)]
    return Violation("host namespaces", ", ".join(shared)) if shared else None
