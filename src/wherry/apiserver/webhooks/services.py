"""Connections to the Services of the cluster, from outside of its network: to a ready endpoint of the port.

Source: k8s.io/apiserver/pkg/util/proxy (ResolveEndpoint).
"""

from __future__ import annotations

import asyncio
import socket
from random import Random

from wherry.api.types import Object
from wherry.apiserver.aggregation.location import addresses
from wherry.apiserver.aggregation.registration import ServiceReference
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix
from wherry.store.port import Store
from wherry.wire.errors import ConnectFailed
from wherry.wire.messages import ByteStream

_SERVICES = storage_prefix("", "services")
_SLICES = storage_prefix("discovery.k8s.io", "endpointslices")
_SERVICE_NAME = "kubernetes.io/service-name"


class Services:
    """Reads Services and their endpoints from the server's own store."""

    def __init__(self, *, store: Store, chance: Random | None = None) -> None:
        self._store = store
        self._chance = chance or Random()

    async def connect(self, namespace: str, name: str, port: int) -> ByteStream | socket.socket:
        """A connected socket. Raises `ConnectFailed`."""
        host, number = self.endpoint(namespace, name, port)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(opened, (host, number))
        except OSError as error:
            opened.close()
            shown = f"[{host}]" if ":" in host else host
            why = "connection refused" if isinstance(error, ConnectionRefusedError) else error.strerror
            raise ConnectFailed(f"dial tcp {shown}:{number}: connect: {why}") from None
        except BaseException:
            opened.close()
            raise
        return opened

    def endpoint(self, namespace: str, name: str, port: int) -> tuple[str, int]:
        """Address and port of one of the ready endpoints, by chance. Raises `ConnectFailed`."""
        entry = self._store.get(f"{_SERVICES}{namespace}/{name}")
        if entry is None:
            raise ConnectFailed(f'service "{name}" not found')
        service = decoded(entry)
        ports = (service.get("spec") or {}).get("ports") or ()
        reference = ServiceReference(namespace, name, port)
        ready = addresses(reference, service, self._slices(namespace, name))
        if not ready and not any(each.get("port") == port for each in ports):
            raise ConnectFailed(f'no service port {port} found for service "{name}"')
        if not ready:
            raise ConnectFailed(f'no endpoints available for service "{name}"')
        return self._chance.choice(ready)

    def _slices(self, namespace: str, name: str) -> list[Object]:
        entries = self._store.range(f"{_SLICES}{namespace}/").entries
        found = [decoded(entry) for entry in entries]
        return [each for each in found if (each["metadata"].get("labels") or {}).get(_SERVICE_NAME) == name]
