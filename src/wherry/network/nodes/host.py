"""The host's side: one bridge that the nodes hang on, routes to pods and Services, and the way out.

`open` may be repeated; `remove` takes away everything that carries the cluster's name or index, also what a killed
process left behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
from pathlib import Path

from wherry.api.pod_network import NetworkFailure
from wherry.base import netns
from wherry.base.log import Logger
from wherry.network.nodes.commands import ip_batch, link_alias, link_exists, nft
from wherry.network.nodes.plan import NetworkPlan

log = Logger("network")

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_FORWARDING_BEFORE = Path("/run/wherry.ip_forward")
"""What the setting was before the first cluster; the last one puts it back. Like the setting, it ends with a reboot."""
_BRIDGE = re.compile(r"wherry\d+")


class HostNetwork:
    """The nodes' network as the host sees it. `state`, a directory, is who owns it."""

    def __init__(self, plan: NetworkPlan, *, state: Path) -> None:
        self._plan = plan
        self._owner = f"wherry:{plan.cluster}:{hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:16]}"

    async def open(self) -> None:
        """Make the bridge, the routes and the way out. Raises `NetworkFailure`, also if another cluster is in the way."""
        plan = self._plan
        if not link_exists(plan.bridge):
            mark = f"link set {plan.bridge} alias {self._owner}"
            await ip_batch([f"link add {plan.bridge} type bridge forward_delay 0", mark])
        elif (owner := link_alias(plan.bridge)) not in ("", self._owner):
            raise NetworkFailure(
                f"the networks of this cluster are in use by cluster {owner.split(':')[1]!r} of another state directory: "
                "stop that one, or remove this one with `wherry down` and make it anew"
            )
        await ip_batch(
            [
                f"link set {plan.bridge} alias {self._owner}",
                f"addr replace {plan.host_address}/{plan.prefix_length} dev {plan.bridge}",
                f"link set {plan.bridge} up",
                *(f"route replace {node.pod_cidr} via {node.address} dev {plan.bridge} onlink" for node in plan.nodes),
                *(
                    f"route replace {cidr} via {plan.nodes[0].address} dev {plan.bridge} onlink"
                    for cidr in plan.load_balancers
                ),
                f"route replace {plan.service_cidr} via {plan.nodes[0].address} dev {plan.bridge} onlink",
            ]
        )
        _forward()
        await nft(way_out(plan))

    async def remove(self) -> None:
        """Take away the namespaces, the bridge, the routes and the rules, whatever of them is there and ours."""
        if link_exists(self._plan.bridge) and link_alias(self._plan.bridge) not in ("", self._owner):
            return
        for name in netns.names(self._plan.prefix):
            netns.delete(name)
        with contextlib.suppress(NetworkFailure):
            await nft(f"add table ip {self._plan.table}\ndelete table ip {self._plan.table}\n")
        # By name, not by plan: the cluster may have had more nodes than it has now.
        ours = (name for _, name in socket.if_nameindex() if name.startswith(f"{self._plan.bridge}-"))
        links = [self._plan.bridge] if link_exists(self._plan.bridge) else []
        found = [f"link delete {link}" for link in (*links, *ours)]
        if found:
            await ip_batch(found, force=True)
        _stop_forwarding()
        netns.tidy()

    def is_there(self) -> bool:
        """Whether the host has this network, and it is ours."""
        return link_exists(self._plan.bridge) and link_alias(self._plan.bridge) == self._owner


def _forward() -> None:
    """Let the host route between the nodes and the world; remembers if it did not before."""
    if _FORWARDING.read_text().strip() == "1":
        return
    try:
        _FORWARDING_BEFORE.write_text("0")
        _FORWARDING.write_text("1")
    except OSError as error:
        log.warning("pods cannot reach the world: net.ipv4.ip_forward cannot be set", error=str(error))


def _stop_forwarding() -> None:
    """Put the host's setting back, unless another cluster on this machine needs it."""
    if any(_BRIDGE.fullmatch(name) for _, name in socket.if_nameindex()):
        return
    with contextlib.suppress(OSError):
        _FORWARDING.write_text(_FORWARDING_BEFORE.read_text())
        _FORWARDING_BEFORE.unlink()


def way_out(plan: NetworkPlan) -> str:
    """The host's rules: what pods and nodes send to the world carries the host's address."""
    inside = f"{{ {plan.pod_cidr}, {plan.node_cidr} }}"
    return f"""
add table ip {plan.table}
delete table ip {plan.table}
table ip {plan.table} {{
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {inside} ip daddr != {inside} oifname != "{plan.bridge}" masquerade
  }}
}}
"""
