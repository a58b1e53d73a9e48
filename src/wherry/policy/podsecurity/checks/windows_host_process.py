"""Containers on Windows do not run as processes of the node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherry.policy.podsecurity.subject import Subject, Violation, setters


def since_0(pod: Subject) -> Violation | None:
    own = _host_process(pod.security)
    bad = [name for name, _, security in pod.containers if _host_process(security)]
    if not own and not bad:
        return None
    return Violation("hostProcess", f"{setters(own, bad)} must not set securityContext.windowsOptions.hostProcess=true")


def _host_process(security: Mapping[str, Any]) -> bool:
    return bool((security.get("windowsOptions") or {}).get("hostProcess"))
