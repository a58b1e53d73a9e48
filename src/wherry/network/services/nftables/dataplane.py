"""Puts the rules in force in a node's namespace, as small a script as possible each time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from wherry.api.pod_network import NetworkFailure
from wherry.network.nodes.commands import nft
from wherry.network.services.dataplane import DataplaneFailure, Services
from wherry.network.services.model import Key
from wherry.network.services.nftables.frame import frame
from wherry.network.services.nftables.rules import compile_port
from wherry.network.services.nftables.ruleset import Ruleset, changes, merged

TABLE = "ip wherry-services"


class NftablesDataplane:
    """The `Dataplane` of nodes with a network namespace of their own."""

    def __init__(
        self,
        *,
        namespace: Callable[[], Path],
        node_addresses: Sequence[str],
        pod_cidr: str,
        service_cidr: str = "",
        table: str = TABLE,
    ) -> None:
        """`pod_cidr` is the whole cluster's: who comes from elsewhere is masqueraded. With `service_cidr`, packets to
        addresses in it that no Service has are dropped instead of sent out into the world."""
        self._namespace = namespace
        self._pod_cidr = pod_cidr
        self._table = table
        self._frame = frame(table, node_addresses=node_addresses, service_cidr=service_cidr)
        self._parts: dict[Key, Ruleset] = {}
        self._in_force: Ruleset | None = None

    async def apply(self, services: Services, changed: Collection[Key] | None = None) -> None:
        if changed is None:
            changed, self._in_force = {*services, *self._parts}, None
        for key in changed:
            self._compile(key, services)
        wanted = merged(self._parts[key] for key in sorted(self._parts))
        script = changes(self._table, self._in_force or Ruleset(), wanted)
        if self._in_force is None:
            script = self._frame + script
        if script:
            await self._run(script)
        self._in_force = wanted

    async def close(self) -> None:
        """Nothing to let go of: the rules live in the kernel."""

    def _compile(self, key: Key, services: Services) -> None:
        ports = services.get(key, ())
        if ports:
            self._parts[key] = merged(compile_port(port, pod_cidr=self._pod_cidr) for port in ports)
        else:
            self._parts.pop(key, None)

    async def _run(self, script: str) -> None:
        try:
            await nft(script, namespace=self._namespace())
        except NetworkFailure as error:
            # Nothing is known of what stands in the kernel now (somebody may have removed the table): start again.
            self._in_force = None
            raise DataplaneFailure(str(error)) from error
