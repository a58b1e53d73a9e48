"""System calls are filtered: no profile that is none (baseline), and a profile is asked for (restricted)."""

from __future__ import annotations

from wherry.policy.podsecurity.subject import Subject, Violation, named, plural, quoted, setters

_POD = "seccomp.security.alpha.kubernetes.io/pod"
_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
_TYPES = ("RuntimeDefault", "Localhost")
_REASON = "seccompProfile"


def baseline_since_0(pod: Subject) -> Violation | None:
    """By annotations, before there were fields."""
    keys = [_POD, *(_CONTAINER + name for name, _, _ in pod.containers)]
    bad = sorted({f'{key}="{value}"' for key in keys if _bad_annotation(value := pod.annotations.get(key))})
    return Violation(_REASON, f"forbidden {plural(len(bad), 'annotation')} {', '.join(bad)}") if bad else None


def _bad_annotation(value: str | None) -> bool:
    allowed = value in (None, "runtime/default", "docker/default")
    return not (allowed or str(value).startswith("localhost/"))


def baseline_since_19(pod: Subject) -> Violation | None:
    values: set[str] = set()
    own = pod.security.get("seccompProfile")
    own_bad = own is not None and own.get("type") not in _TYPES
    if own is not None and own_bad:
        values.add(own.get("type") or "")
    bad: list[str] = []
    for name, _, security in pod.containers:
        given = security.get("seccompProfile")
        if given is not None and given.get("type") not in _TYPES:
            bad.append(name)
            values.add(given.get("type") or "")
    if not values:
        return None
    who = setters(own_bad, bad)
    return Violation(_REASON, f"{who} must not set securityContext.seccompProfile.type to {quoted(sorted(values))}")


def restricted_since_19(pod: Subject) -> Violation | None:
    violation = baseline_since_19(pod)
    if violation is not None or pod.security.get("seccompProfile") is not None:
        return violation
    silent = [name for name, _, security in pod.containers if security.get("seccompProfile") is None]
    if not silent:
        return None
    what = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return Violation(_REASON, f"pod or {named('container', silent)} {what}")


def restricted_since_25(pod: Subject) -> Violation | None:
    """Windows knows nothing of it."""
    return None if pod.windows else restricted_since_19(pod)
