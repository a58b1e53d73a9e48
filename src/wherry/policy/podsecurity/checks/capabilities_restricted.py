"""All capabilities must be dropped; only NET_BIND_SERVICE may be added again."""

from __future__ import annotations

from wherry.policy.podsecurity.subject import Subject, Violation, named, quoted

_ALLOWED = frozenset({"NET_BIND_SERVICE"})


def since_22(pod: Subject) -> Violation | None:
    keeping: list[str] = []
    adding: list[str] = []
    forbidden: set[str] = set()
    for name, _, security in pod.containers:
        capabilities = security.get("capabilities") or {}
        if "ALL" not in (capabilities.get("drop") or ()):
            keeping.append(name)
        wrong = set(capabilities.get("add") or ()) - _ALLOWED
        if wrong:
            adding.append(name)
            forbidden |= wrong
    details = []
    if keeping:
        details.append(f'{named("container", keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        values = quoted(sorted(forbidden))
        details.append(f"{named('container', adding)} must not include {values} in securityContext.capabilities.add")
    return Violation("unrestricted capabilities", "; ".join(details)) if details else None


def since_25(pod: Subject) -> Violation | None:
    """Windows knows nothing of them."""
    return None if pod.windows else since_22(pod)
