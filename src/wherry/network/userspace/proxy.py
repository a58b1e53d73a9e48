"""The component that carries Services on a machine without privileges. One for all nodes of the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wherry.base.clock import Clock
from wherry.client.informer import SharedInformers
from wherry.network.services.endpoints import Place
from wherry.network.services.proxy import DataplaneKeeper
from wherry.network.userspace.addresses import SHARED_ADDRESS
from wherry.network.userspace.dataplane import UserspaceDataplane
from wherry.network.userspace.targets import port_map_of


class UserspaceProxy(DataplaneKeeper):
    """Listens at cluster IPs and node ports and carries connections to the endpoints.

    All nodes of the machine are one place: a traffic policy `Local` means this machine. `mapped_ports` is for systems
    where pods share an address: the ports that their processes listen at are then read from the pods' annotations.
    """

    def __init__(
        self,
        *,
        informers: SharedInformers,
        clock: Clock,
        node_addresses: Sequence[str] = (SHARED_ADDRESS,),
        mapped_ports: bool = False,
    ) -> None:
        pods = informers.informer("pods") if mapped_ports else None

        def port_map(namespace: str, name: str) -> Mapping[int, int]:
            return port_map_of(pods.get(namespace, name)) if pods is not None else {}

        super().__init__(
            informers=informers,
            dataplane=UserspaceDataplane(
                clock=clock, node_addresses=node_addresses, port_map=port_map if mapped_ports else None
            ),
            clock=clock,
            place=Place(node="", everywhere=True),
        )
