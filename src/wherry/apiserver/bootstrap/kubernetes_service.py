"""The service `kubernetes`, through which pods reach the API server, and its endpoints.

Source: pkg/controlplane/controller/kubernetesservice, pkg/controlplane/reconcilers.
"""

from __future__ import annotations

from wherry.api.types import Object
from wherry.apiserver.bootstrap.ensure import ensure
from wherry.apiserver.objects import encoder, fresh
from wherry.apiserver.parts import Parts
from wherry.store.port import RevisionMismatch

_NAME: Object = {"name": "kubernetes", "namespace": "default"}


def service(address: str, family: str, port: int) -> Object:
    """`address` is the first of the service network."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**_NAME, "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {
            "clusterIP": address,
            "clusterIPs": [address],
            "ipFamilies": [family],
            "ipFamilyPolicy": "SingleStack",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}],
            "sessionAffinity": "None",
            "type": "ClusterIP",
        },
    }


def endpoints(address: str, port: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {**_NAME, "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
        "subsets": [{"addresses": [{"ip": address}], "ports": [{"name": "https", "port": port, "protocol": "TCP"}]}],
    }


def endpoint_slice(address: str, port: int) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**_NAME, "labels": {"kubernetes.io/service-name": "kubernetes"}},
        "addressType": "IPv6" if ":" in address else "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }


async def publish(parts: Parts) -> None:
    """Make the endpoints say where this server is, whatever an earlier one wrote."""
    address, port = parts.config.advertise_address, parts.config.advertise_port
    wanted = [endpoints(address, port), endpoint_slice(address, port)]
    await ensure(parts, wanted)
    for qualified, obj, field in (
        ("endpoints", wanted[0], "subsets"),
        ("endpointslices.discovery.k8s.io", wanted[1], "endpoints"),
        ("endpointslices.discovery.k8s.io", wanted[1], "ports"),
    ):
        await _correct(parts, parts.registry.of(qualified).key("default", "kubernetes"), field, obj[field])


async def _correct(parts: Parts, key: str, field: str, value: object) -> None:
    entry = parts.store.get(key)
    if entry is None:
        return
    obj = fresh(entry)
    if obj.get(field) == value:
        return
    obj[field] = value
    try:
        await parts.store.put(key, encoder(obj), expected=entry.mod_revision, memo=obj)
    except RevisionMismatch:
        # Whoever wrote it in between speaks for a server that is newer.
        return
