"""Probes and lifecycle handlers go to the pod itself: they name no host."""

from __future__ import annotations

from collections.abc import Iterator

from wherry.api.types import Object
from wherry.policy.podsecurity.subject import Subject, Violation, named, plural, quoted

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HANDLERS = ("postStart", "preStop")


def since_34(pod: Subject) -> Violation | None:
    bad: set[str] = set()
    hosts: set[str] = set()
    for name, container, _ in pod.containers:
        named_hosts = set(_hosts(container))
        if named_hosts:
            bad.add(name)
            hosts |= named_hosts
    if not bad:
        return None
    what = plural(len(hosts), "probe or lifecycle host")
    detail = f"{named('container', sorted(bad))} {plural(len(bad), 'uses', 'use')} {what} {quoted(sorted(hosts))}"
    return Violation("probe or lifecycle host", detail)


def _hosts(container: Object) -> Iterator[str]:
    lifecycle = container.get("lifecycle") or {}
    for action in (*(container.get(field) for field in _PROBES), *(lifecycle.get(field) for field in _HANDLERS)):
        for way in ("httpGet", "tcpSocket"):
            if action and (host := (action.get(way) or {}).get("host")):
                yield host
