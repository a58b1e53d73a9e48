"""Only capabilities that containers have by default may be added."""

from __future__ import annotations

from wherry.policy.podsecurity.subject import Subject, Violation, named, quoted

ALLOWED = frozenset(
    {
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    }
)  # fmt: skip


def since_0(pod: Subject) -> Violation | None:
    bad: list[str] = []
    forbidden: set[str] = set()
    for name, _, security in pod.containers:
        wrong = set((security.get("capabilities") or {}).get("add") or ()) - ALLOWED
        if wrong:
            bad.append(name)
            forbidden |= wrong
    if not bad:
        return None
    detail = (
        f"{named('container', bad)} must not include {quoted(sorted(forbidden))} in securityContext.capabilities.add"
    )
    return Violation("non-default capabilities", detail)
