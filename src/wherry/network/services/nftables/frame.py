"""The fixed part of a node's table: hooks, maps, masquerading.

First packets of connections are looked up by address, protocol and port in one map (`service-ips`), however many
Services there are. Filters stand behind the translation, where what still carries a Service's address had no endpoint.
Source: nftables wiki, "Performing Network Address Translation"; KEP-3866 (kube-proxy's nftables mode).
"""

from __future__ import annotations

from collections.abc import Sequence

SERVICES = "service-ips"
NODE_PORTS = "node-ports"
NO_ENDPOINTS = "no-endpoint-services"
NO_ENDPOINTS_NODE_PORTS = "no-endpoint-node-ports"
FIREWALLS = "firewall-ips"
CLUSTER_IPS = "cluster-ips"
HAIRPIN = "hairpin"
"""Pairs of the same local endpoint: an endpoint that reaches itself through a Service must see another caller than
itself, else its answer never comes back to the translation."""

MARK = "mark-for-masquerade"
REFUSE = "refuse"

_MARK_BIT = 0x4000
"""The bit that Kubernetes uses for this everywhere."""


def frame(table: str, *, node_addresses: Sequence[str], service_cidr: str = "") -> str:
    """A script that makes the table anew, whatever was in it."""
    target = "ip daddr . meta l4proto . th dport"
    node_target = f"ip daddr {{ {', '.join(node_addresses)} }} meta l4proto . th dport"
    by_address = "type ipv4_addr . inet_proto . inet_service : verdict;"
    by_port = "type inet_proto . inet_service : verdict;"
    unknown = f"\n    ip daddr {{ {service_cidr} }} drop" if service_cidr else ""
    return f"""
add table {table}
delete table {table}
table {table} {{
  map {SERVICES} {{ {by_address} }}
  map {NO_ENDPOINTS} {{ {by_address} }}
  map {FIREWALLS} {{ {by_address} }}
  map {NODE_PORTS} {{ {by_port} }}
  map {NO_ENDPOINTS_NODE_PORTS} {{ {by_port} }}
  set {CLUSTER_IPS} {{ type ipv4_addr; }}
  set {HAIRPIN} {{ type ipv4_addr . ipv4_addr; }}
  chain {MARK} {{
    meta mark set meta mark | {_MARK_BIT:#x}
  }}
  chain {REFUSE} {{
    reject
  }}
  chain services {{
    {target} vmap @{SERVICES}
    {node_target} vmap @{NODE_PORTS}
  }}
  chain unserved {{
    {target} vmap @{NO_ENDPOINTS}
    {node_target} vmap @{NO_ENDPOINTS_NODE_PORTS}
    ip daddr @{CLUSTER_IPS} reject{unknown}
  }}
  chain firewalls {{
    type filter hook prerouting priority -110; policy accept;
    ct state new {target} vmap @{FIREWALLS}
  }}
  chain filter-input {{
    type filter hook input priority -90; policy accept;
    ct state new jump unserved
  }}
  chain filter-forward {{
    type filter hook forward priority -90; policy accept;
    ct state new jump unserved
  }}
  chain filter-output {{
    type filter hook output priority -90; policy accept;
    ct state new jump unserved
  }}
  chain nat-prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    jump services
  }}
  chain nat-output {{
    type nat hook output priority -100; policy accept;
    jump services
  }}
  chain nat-postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ct status dnat ip saddr . ip daddr @{HAIRPIN} masquerade fully-random
    meta mark & {_MARK_BIT:#x} == 0 return
    meta mark set meta mark ^ {_MARK_BIT:#x}
    masquerade fully-random
  }}
}}
"""
