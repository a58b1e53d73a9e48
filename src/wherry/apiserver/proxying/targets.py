"""Where a proxied request goes. Pure: objects in, an address out; `errors` with upstream's texts where there is none.

Source: pkg/registry/core/{pod,service,node} `ResourceLocation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from random import Random

from wherry.api.errors import BadRequest, ServiceUnavailable
from wherry.api.types import Object
from wherry.machinery.integers import digits_value

MAX_PORT = 65535

_SCHEMES = ("", "http", "https")


@dataclass(frozen=True, slots=True)
class Name:
    """`name`, `name:port` or `scheme:name:port`, as the path has it."""

    scheme: str
    name: str
    port: str


@dataclass(frozen=True, slots=True)
class Target:
    secure: bool
    host: str
    port: int


def parse_name(text: str, kind: str) -> Name:
    """Raises `BadRequest`: `invalid pod request "..."`."""
    parts = text.split(":")
    if len(parts) == 3 and parts[1] and parts[0] in _SCHEMES:
        return Name(*parts)
    if len(parts) == 2 and parts[0]:
        return Name("", *parts)
    if len(parts) == 1 and parts[0]:
        return Name("", parts[0], "")
    raise BadRequest(f'invalid {kind} request "{text}"')


def pod_target(name: Name, pod: Object) -> Target:
    """Without a port, the first that a container declares; else the scheme's own."""
    port = name.port or next(
        (str(p["containerPort"]) for c in pod["spec"].get("containers") or () for p in c.get("ports") or ()), ""
    )
    addresses = (pod.get("status") or {}).get("podIPs") or ()
    host = addresses[0].get("ip", "") if addresses else (pod.get("status") or {}).get("podIP", "")
    return _target(name, host, port, "pod")


def _target(name: Name, host: str, port: str, kind: str) -> Target:
    if not _allowed(host):
        raise BadRequest("address not allowed")
    secure = name.scheme == "https"
    number = digits_value(port) if port else (443 if secure else 80)
    if number is None or number > MAX_PORT:
        raise BadRequest(f'invalid {kind} request "{name.name}:{name.port}"')
    return Target(secure, host, number)


def _allowed(host: str) -> bool:
    """Global unicast, as Go calls it: private networks are, loopback and link-local are not."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified)


def service_port_name(name: Name, service: Object) -> str:
    """The name of the service's port that is meant, by number or by name. Raises `ServiceUnavailable`."""
    number = digits_value(name.port)
    if number is None:
        return name.port
    for port in (service.get("spec") or {}).get("ports") or ():
        if port["port"] == number:
            found: str = port.get("name", "")
            return found
    raise ServiceUnavailable(f'no service port {name.port} found for service "{name.name}"')


def service_target(name: Name, port_name: str, slices: Iterable[Object], chance: Random) -> Target:
    """One of the ready endpoints by chance. Raises `ServiceUnavailable` where there is none."""
    found = [
        (address, port["port"])
        for one in slices
        for port in one.get("ports") or ()
        if port.get("name", "") == port_name and port.get("port")
        for endpoint in one.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready", True) is not False
        for address in _first(endpoint.get("addresses"))
        if _allowed(address)
    ]
    if not found:
        text = ":".join(part for part in (name.scheme, name.name, name.port) if part)
        raise ServiceUnavailable(f'no endpoints available for service "{text}"')
    host, port = chance.choice(found)
    return Target(name.scheme == "https", host, port)


def _first(addresses: Sequence[str] | None) -> Sequence[str]:
    return (addresses or ())[:1]
