"""The Service `kube-dns` and its EndpointSlice: how pods on every node, and the machine, find the DNS server.

A Service with a selector is somebody's own DNS in pods (CoreDNS, say) and is left alone.
"""

from __future__ import annotations

from wherry.api.errors import AlreadyExists, Conflict, NotFound
from wherry.api.types import Object
from wherry.client.client import Client

NAMESPACE = "kube-system"
NAME = "kube-dns"
SLICE = "kube-dns-wherry"
MANAGER = "dns.wherry.dev"
PORT = 53

_PORTS = (("dns", "UDP"), ("dns-tcp", "TCP"))


def service(cluster_ip: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": NAME,
            "namespace": NAMESPACE,
            "labels": {
                "k8s-app": "kube-dns",
                "kubernetes.io/cluster-service": "true",
                "kubernetes.io/name": "CoreDNS",
            },
        },
        "spec": {
            "clusterIP": cluster_ip,
            "clusterIPs": [cluster_ip],
            "ports": [
                {"name": name, "protocol": protocol, "port": PORT, "targetPort": PORT} for name, protocol in _PORTS
            ],
        },
    }


def endpoint_slice(address: str, port: int) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": SLICE,
            "namespace": NAMESPACE,
            "labels": {
                "kubernetes.io/service-name": NAME,
                "endpointslice.kubernetes.io/managed-by": MANAGER,
            },
        },
        "addressType": "IPv6" if ":" in address else "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True, "serving": True, "terminating": False}}],
        "ports": [{"name": name, "protocol": protocol, "port": port} for name, protocol in _PORTS],
    }


async def publish(client: Client, *, cluster_ip: str, address: str, port: int) -> None:
    """Make both what they must be; does nothing where they are. Raises `StatusError` or `ConnectionError`."""
    try:
        found = await client.get("services", NAME, namespace=NAMESPACE)
    except NotFound:
        found = await _create(client, "services", service(cluster_ip))
    if found["spec"].get("selector"):
        return
    wanted = endpoint_slice(address, port)
    try:
        current = await client.get("endpointslices.discovery.k8s.io", SLICE, namespace=NAMESPACE)
    except NotFound:
        await _create(client, "endpointslices.discovery.k8s.io", wanted)
        return
    if any(current.get(part) != wanted[part] for part in ("addressType", "endpoints", "ports")):
        # The type of a slice's addresses cannot change, and a slice is quickly made.
        await client.delete("endpointslices.discovery.k8s.io", SLICE, namespace=NAMESPACE)
        await _create(client, "endpointslices.discovery.k8s.io", wanted)


async def _create(client: Client, resource: str, wanted: Object) -> Object:
    try:
        return await client.create(resource, wanted)
    except AlreadyExists as error:
        raise Conflict(f"{NAME} was made by somebody else at the same time") from error
