"""/proc keeps its masks, but for pods at the baseline level in a user namespace of their own."""

from __future__ import annotations

from wherry.policy.podsecurity.subject import Subject, Violation, named, quoted


def strict(pod: Subject) -> Violation | None:
    bad: list[str] = []
    types: set[str] = set()
    for name, _, security in pod.containers:
        given = security.get("procMount")
        if given is not None and given != "Default":
            bad.append(name)
            types.add(given)
    if not bad:
        return None
    detail = f"{named('container', bad)} must not set securityContext.procMount to {quoted(sorted(types))}"
    return Violation("procMount", detail)


def baseline_since_35(pod: Subject) -> Violation | None:
    return None if pod.own_users else strict(pod)
