"""Only kernel settings that stay inside the pod are changed."""

from __future__ import annotations

from wherry.policy.podsecurity.subject import Judge, Subject, Violation

_SINCE_0 = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
    }
)
_SINCE_27 = _SINCE_0 | {"net.ipv4.ip_local_reserved_ports"}
_SINCE_29 = _SINCE_27 | {
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
_SINCE_32 = _SINCE_29 | {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}


def _allowing(allowed: frozenset[str]) -> Judge:
    def judge(pod: Subject) -> Violation | None:
        bad = [name for each in pod.security.get("sysctls") or () if (name := each.get("name") or "") not in allowed]
        return Violation("forbidden sysctls", ", ".join(bad)) if bad else None

    return judge


since_0, since_27, since_29, since_32 = map(_allowing, (_SINCE_0, _SINCE_27, _SINCE_29, _SINCE_32))
