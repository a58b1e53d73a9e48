"""In which order groups and versions are told by discovery. Pure.

Source: pkg/controlplane/apiserver/aggregator.go, pkg/controlplane/controller/crdregistration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from wherry.machinery.version_order import version_key


class Priority(NamedTuple):
    """As an APIService has it: higher comes first."""

    group: int
    version: int


CUSTOM = Priority(1000, 100)
"""Of the groups of custom resources."""

OWN = "apiregistration.k8s.io"
"""The aggregator's own group: always told first, and without an APIService."""

_GROUPS = {
    "": 18000,
    OWN: 100_000,
    "apps": 17800,
    "events.k8s.io": 17750,
    "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600,
    "autoscaling": 17500,
    "batch": 17400,
    "certificates.k8s.io": 17300,
    "networking.k8s.io": 17200,
    "policy": 17100,
    "rbac.authorization.k8s.io": 17000,
    "storage.k8s.io": 16800,
    "admissionregistration.k8s.io": 16700,
    "apiextensions.k8s.io": 16700,
    "scheduling.k8s.io": 16600,
    "coordination.k8s.io": 16500,
    "node.k8s.io": 16300,
    "discovery.k8s.io": 16200,
    "resource.k8s.io": 16200,
    "flowcontrol.apiserver.k8s.io": 16100,
    "internal.apiserver.k8s.io": 16000,
}
_VERSIONS = {
    ("", "v1"): 1,
    ("autoscaling", "v2"): 30,
    ("flowcontrol.apiserver.k8s.io", "v1"): 21,
}
_STABLE = 15


def builtin(group: str, version: str) -> Priority | None:
    """Of a group and version that Kubernetes itself serves; None for any other."""
    found = _GROUPS.get(group)
    return None if found is None else Priority(found, _VERSIONS.get((group, version), _STABLE))


def ordered(names: Iterable[tuple[str, str]], known: Mapping[tuple[str, str], Priority]) -> dict[str, list[str]]:
    """Groups with their versions in the order of discovery; a group stands where its highest priority puts it."""

    def of(name: tuple[str, str]) -> Priority:
        return known.get(name) or builtin(*name) or CUSTOM

    versions: dict[str, list[str]] = {}
    for group, version in names:
        versions.setdefault(group, []).append(version)
    groups = sorted(versions, key=lambda group: (-max(of((group, each)).group for each in versions[group]), group))
    return {
        group: sorted(versions[group], key=lambda each: (-of((group, each)).version, version_key(each)))
        for group in groups
    }
