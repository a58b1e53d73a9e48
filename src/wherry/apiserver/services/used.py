"""What a stored service has of addresses and ports. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from wherry.api.strategies.services import needs_cluster_ip
from wherry.api.types import Object

HEADLESS = "None"


@dataclass(frozen=True, slots=True)
class Used:
    """What one service has."""

    addresses: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset()


NOTHING = Used()


def used_by(service: Object) -> Used:
    spec = service.get("spec") or {}
    if not needs_cluster_ip(spec):
        return NOTHING
    ports = {port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}
    if check := spec.get("healthCheckNodePort"):
        ports.add(check)
    return Used(frozenset(each for each in cluster_ips(spec) if each != HEADLESS), frozenset(ports))


def cluster_ips(spec: Object) -> list[str]:
    addresses: list[str] = spec.get("clusterIPs") or []
    return addresses or ([spec["clusterIP"]] if spec.get("clusterIP") else [])
