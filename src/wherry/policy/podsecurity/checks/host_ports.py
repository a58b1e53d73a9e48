"""No ports of the node are used."""

from __future__ import annotations

from wherry.policy.podsecurity.subject import Subject, Violation, named, plural


def since_0(pod: Subject) -> Violation | None:
    bad: list[str] = []
    ports: set[str] = set()
    for name, container, _ in pod.containers:
        used = {str(port["hostPort"]) for port in container.get("ports") or () if port.get("hostPort")}
        if used:
            bad.append(name)
            ports |= used
    if not bad:
        return None
    verb, what = plural(len(bad), "uses", "use"), plural(len(ports), "hostPort")
    return Violation("hostPort", f"{named('container', bad)} {verb} {what} {', '.join(sorted(ports))}")
