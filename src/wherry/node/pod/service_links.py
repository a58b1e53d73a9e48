"""Variables that name the services of a namespace: `WEB_SERVICE_HOST`, `WEB_PORT_80_TCP_ADDR` and so on."""

from __future__ import annotations

from collections.abc import Iterable

from wherry.api.types import Object


def variables(services: Iterable[Object]) -> dict[str, str]:
    """For every service with a cluster address."""
    found: dict[str, str] = {}
    for service in services:
        address = service["spec"].get("clusterIP")
        if address and address != "None":
            found.update(_of_service(service["metadata"]["name"], address, service["spec"].get("ports") or ()))
    return found


def visible(services: Iterable[Object], namespace: str, *, links: bool) -> list[Object]:
    """Those whose variables a pod gets: `kubernetes` always, its own namespace's where it wants links."""
    own, masters = [], []
    for service in services:
        metadata = service["metadata"]
        if metadata["name"] == "kubernetes" and metadata.get("namespace") == "default":
            masters.append(service)
        elif links and metadata.get("namespace") == namespace:
            own.append(service)
    return [*masters, *sorted(own, key=lambda service: service["metadata"]["name"])]


def _name(text: str) -> str:
    return text.upper().replace("-", "_").replace(".", "_")


def _of_service(service_name: str, address: str, ports: Iterable[Object]) -> dict[str, str]:
    prefix = _name(service_name)
    host = f"[{address}]" if ":" in address else address
    found = {f"{prefix}_SERVICE_HOST": address}
    for index, port in enumerate(ports):
        number, protocol = str(port["port"]), str(port.get("protocol") or "TCP")
        url = f"{protocol.lower()}://{host}:{number}"
        if index == 0:
            found[f"{prefix}_SERVICE_PORT"] = number
            found[f"{prefix}_PORT"] = url
        if port.get("name"):
            found[f"{prefix}_SERVICE_PORT_{_name(port['name'])}"] = number
        port_prefix = f"{prefix}_PORT_{number}_{protocol.upper()}"
        found[port_prefix] = url
        found[f"{port_prefix}_PROTO"] = protocol.lower()
        found[f"{port_prefix}_PORT"] = number
        found[f"{port_prefix}_ADDR"] = address
    return found
