"""Nothing of the node's file system is mounted."""

from __future__ import annotations

from wherry.policy.podsecurity.subject import Subject, Violation, named


def since_0(pod: Subject) -> Violation | None:
    bad = [each.get("name", "") for each in pod.spec.get("volumes") or () if each.get("hostPath") is not None]
    return Violation("hostPath volumes", named("volume", bad)) if bad else None
