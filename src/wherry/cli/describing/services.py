"""Services, endpoints, endpoint slices, ingresses, network policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wherry.api.errors import StatusError
from wherry.api.types import Object
from wherry.cli.describing.cluster import Cluster
from wherry.cli.describing.events import events
from wherry.cli.describing.metadata import head
from wherry.cli.describing.words import NONE, UNSET, go, labels_text, or_none, or_unset
from wherry.cli.describing.writer import Writer

_SHOWN_ENDPOINTS = 3


async def service(out: Writer, obj: Object, cluster: Cluster) -> None:
    spec, metadata = obj["spec"], obj["metadata"]
    head(out, obj)
    out.field("Selector", labels_text(spec.get("selector")))
    out.field("Type", spec.get("type", ""))
    out.given("IP Family Policy", spec.get("ipFamilyPolicy"))
    out.field("IP Families", or_none(",".join(spec.get("ipFamilies") or ())))
    out.field("IP", spec.get("clusterIP", ""))
    out.field("IPs", or_none(",".join(spec.get("clusterIPs") or ())))
    out.given("External IPs", ",".join(spec.get("externalIPs") or ()))
    out.given("Desired LoadBalancer IP", spec.get("loadBalancerIP"))
    out.given("External Name", spec.get("externalName"))
    out.given("LoadBalancer Ingress", _ingress(obj))
    slices = await cluster.some(
        "endpointslices.discovery.k8s.io",
        namespace=metadata["namespace"],
        label_selector=f"kubernetes.io/service-name={metadata['name']}",
    )
    for port in spec.get("ports") or ():
        _port(out, port, slices)
    out.field("Session Affinity", spec.get("sessionAffinity", ""))
    out.given("External Traffic Policy", spec.get("externalTrafficPolicy"))
    out.given("Internal Traffic Policy", spec.get("internalTrafficPolicy"))
    out.given("HealthCheck NodePort", spec.get("healthCheckNodePort"))
    out.given("LoadBalancer Source Ranges", ",".join(spec.get("loadBalancerSourceRanges") or ()))
    events(out, await cluster.events_of(obj), cluster.now)


def _ingress(obj: Object) -> str:
    found = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return ", ".join(
        f"{one['ip']} ({one.get('ipMode')})" if one.get("ip") else one.get("hostname", "") for one in found
    )


def _port(out: Writer, port: Object, slices: Iterable[Object]) -> None:
    name, protocol = port.get("name") or UNSET, port.get("protocol", "TCP")
    out.field("Port", f"{name}\t{port['port']}/{protocol}")
    out.field("TargetPort", f"{port.get('targetPort', 0)}/{protocol}")
    if port.get("nodePort"):
        out.field("NodePort", f"{name}\t{port['nodePort']}/{protocol}")
    out.field("Endpoints", endpoints_text(slices, port.get("name") or ""))


def endpoints_text(slices: Iterable[Object], port_name: str | None = None) -> str:
    """The ready addresses behind a port of that name, the first three of them."""
    found, slices = [], list(slices)
    if not slices:
        return NONE
    for one in slices:
        for port in one.get("ports") or ():
            if port_name is None or port_name == (port.get("name") or ""):
                found += [_joined(endpoint, port) for endpoint in one.get("endpoints") or () if _is_ready(endpoint)]
    shown = ",".join(found[:_SHOWN_ENDPOINTS])
    more = len(found) - _SHOWN_ENDPOINTS
    return f"{shown} + {more} more..." if more > 0 else shown


def _is_ready(endpoint: Mapping[str, Any]) -> bool:
    return (endpoint.get("conditions") or {}).get("ready") is not False


def _joined(endpoint: Mapping[str, Any], port: Mapping[str, Any]) -> str:
    host = endpoint["addresses"][0]
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port['port']}" if port.get("port") is not None else host


async def endpoints(out: Writer, obj: Object, cluster: Cluster) -> None:
    head(out, obj)
    out.line("Subsets:")
    for subset in obj.get("subsets") or ():
        for title, field in (("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")):
            out.field(f"  {title}", or_none(",".join(one["ip"] for one in subset.get(field) or ())))
        if ports := subset.get("ports"):
            out.line("  Ports:")
            out.line("    Name\tPort\tProtocol")
            out.line("    ----\t----\t--------")
            for port in ports:
                out.line(f"    {port.get('name') or UNSET}\t{port['port']}\t{port.get('protocol', 'TCP')}")
        out.line()
    events(out, await cluster.events_of(obj), cluster.now)


async def endpoint_slice(out: Writer, obj: Object, cluster: Cluster) -> None:
    head(out, obj)
    out.field("AddressType", obj.get("addressType", ""))
    ports = obj.get("ports") or ()
    out.line("Ports:" if ports else "Ports: <unset>")
    if ports:
        out.line("Name\tPort\tProtocol", 1)
        out.line("----\t----\t--------", 1)
        for port in ports:
            cells = (port.get("name") or UNSET, or_unset(port.get("port")), port.get("protocol", "TCP"))
            out.line("\t".join(cells), 1)
    found = obj.get("endpoints") or ()
    out.line("Endpoints:" if found else "Endpoints: <none>")
    for endpoint in found:
        _endpoint(out, endpoint)
    events(out, await cluster.events_of(obj), cluster.now)


def _endpoint(out: Writer, endpoint: Object) -> None:
    out.field("- Addresses", ",".join(endpoint["addresses"]), 1)
    out.line("Conditions:", 2)
    ready = (endpoint.get("conditions") or {}).get("ready")
    out.field("Ready", UNSET if ready is None else go(ready), 3)
    out.field("Hostname", or_unset(endpoint.get("hostname")), 2)
    if target := endpoint.get("targetRef"):
        out.field("TargetRef", f"{target.get('kind')}/{target.get('name')}", 2)
    out.field("NodeName", or_unset(endpoint.get("nodeName")), 2)
    out.field("Zone", or_unset(endpoint.get("zone")), 2)


async def ingress(out: Writer, obj: Object, cluster: Cluster) -> None:
    from wherry.cli.describing.metadata import write_annotations, write_labels

    spec, metadata = obj.get("spec") or {}, obj["metadata"]
    out.field("Name", metadata["name"])
    write_labels(out, "Labels", metadata.get("labels"))
    out.field("Namespace", metadata["namespace"])
    out.field("Address", _ingress(obj).replace(" (VIP)", ""))
    out.field("Ingress Class", spec.get("ingressClassName") or NONE)
    default = spec.get("defaultBackend")
    out.field("Default backend", await _backend(cluster, metadata["namespace"], default) if default else "<default>")
    if spec.get("tls"):
        out.line("TLS:")
        for one in spec["tls"]:
            hosts = ",".join(one.get("hosts") or ())
            secret = one.get("secretName")
            out.line(f"{secret} terminates {hosts}" if secret else f"SNI routes {hosts}", 1)
    out.line("Rules:")
    out.line("Host\tPath\tBackends", 1)
    out.line("----\t----\t--------", 1)
    rules = 0
    for rule in spec.get("rules") or ():
        paths = (rule.get("http") or {}).get("paths") or ()
        if paths:
            rules += 1
            out.line(f"{rule.get('host') or '*'}\t", 1)
            for path in paths:
                backend = await _backend(cluster, metadata["namespace"], path["backend"])
                out.line(f"    \t{path.get('path', '')} \t{backend}")
    if not rules:
        text = await _backend(cluster, metadata["namespace"], default) if default else "<default>"
        out.line(f"*\t*\t{text}", 1)
    write_annotations(out, "Annotations", metadata.get("annotations"))
    events(out, await cluster.events_of(obj), cluster.now)


async def _backend(cluster: Cluster, namespace: str, backend: Object) -> str:
    if (resource := backend.get("resource")) is not None:
        return f"APIGroup: {resource.get('apiGroup')}, Kind: {resource['kind']}, Name: {resource['name']}"
    wanted = backend.get("service") or {}
    port = wanted.get("port") or {}
    name = wanted.get("name", "")
    shown = port.get("number") or port.get("name") or ""
    try:
        found = await cluster.client.get("services", name, namespace=namespace)
    except StatusError as error:
        return f"{name}:{shown} (<error: {error.message}>)"
    names = [
        one.get("name") or "" for one in found["spec"].get("ports") or () if shown in (one["port"], one.get("name"))
    ]
    slices = await cluster.some(
        "endpointslices.discovery.k8s.io",
        namespace=namespace,
        label_selector=f"kubernetes.io/service-name={name}",
    )
    return f"{name}:{shown} ({endpoints_text(slices, names[-1] if names else '')})"
