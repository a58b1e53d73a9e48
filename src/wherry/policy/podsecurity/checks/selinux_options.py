"""SELinux types are those made for containers; user and role are not set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherry.policy.podsecurity.subject import Subject, Violation, named, setters

_TYPES_0 = frozenset({"", "container_t", "container_init_t", "container_kvm_t"})
_TYPES_31 = _TYPES_0 | {"container_engine_t"}


def since_0(pod: Subject) -> Violation | None:
    return _violation(pod, _TYPES_0)


def since_31(pod: Subject) -> Violation | None:
    return _violation(pod, _TYPES_31)


def _violation(pod: Subject, allowed: frozenset[str]) -> Violation | None:
    def bad(security: Mapping[str, Any]) -> Mapping[str, Any] | None:
        options = security.get("seLinuxOptions") or {}
        wrong = (options.get("type") or "") not in allowed or options.get("user") or options.get("role")
        return options if wrong else None

    own = bad(pod.security)
    wrong = [(name, options) for name, _, security in pod.containers if (options := bad(security)) is not None]
    every = [*([own] if own is not None else []), *(options for _, options in wrong)]
    if not every:
        return None
    types = sorted({kind for options in every if (kind := options.get("type") or "") not in allowed})
    data = [named("type", types)] if types else []
    data += [f"{field} may not be set" for field in ("user", "role") if any(options.get(field) for options in every)]
    who = setters(own is not None, [name for name, _ in wrong])
    return Violation("seLinuxOptions", f"{who} set forbidden securityContext.seLinuxOptions: {'; '.join(data)}")
