"""Whether a Service can be asked, and where. Pure: objects in, a verdict or an address out.

Source: kube-aggregator pkg/controllers/status/remote, k8s.io/apiserver/pkg/util/proxy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wherry.api.types import Object
from wherry.apiserver.aggregation.registration import ServiceReference

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The condition Available, as it should be."""

    status: str
    reason: str
    message: str


PASSED = Verdict("True", "Passed", "all checks passed")


def _no(reason: str, message: str) -> Verdict:
    return Verdict("False", reason, message)


def failed_check(why: str) -> Verdict:
    return _no("FailedDiscoveryCheck", why)


def trouble(reference: ServiceReference, service: Object | None, slices: Sequence[Object]) -> Verdict | None:
    """What stands in the way before anything is asked; None where nothing does."""
    what = f'service/{reference.name} in "{reference.namespace}"'
    if service is None:
        return _no("ServiceNotFound", f"{what} is not present")
    spec = service.get("spec") or {}
    if spec.get("type", "ClusterIP") != "ClusterIP":
        return None
    port = _port(spec, reference.port)
    if port is None:
        return _no("ServicePortError", f"{what} is not listening on port {reference.port}")
    if not slices:
        return _no("EndpointsNotFound", f"cannot find endpointslices for {what}")
    if not addresses(reference, service, slices):
        name = port.get("name", "")
        return _no("MissingEndpoints", f'endpointslices for {what} have no addresses with port name "{name}"')
    return None


def addresses(reference: ServiceReference, service: Object, slices: Iterable[Object]) -> list[Address]:
    """Everywhere the service can be asked: its ready endpoints, or the name it stands for."""
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return [(spec["externalName"], reference.port)] if spec.get("externalName") else []
    port = _port(spec, reference.port)
    if port is None:
        return []
    name = port.get("name") or ""
    return [
        (endpoint["addresses"][0], each["port"])
        for one in slices
        for each in one.get("ports") or ()
        if (each.get("name") or "") == name and each.get("port")
        for endpoint in one.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready") is not False and endpoint.get("addresses")
    ]


def _port(spec: Object, number: int) -> Object | None:
    return next((port for port in spec.get("ports") or () if port["port"] == number), None)
