"""One port of a Service as nftables rules. Pure.

Chains of a port: `cluster-…` and `local-…` choose an endpoint, `internal-…` and `external-…` decide who comes from
outside (and must be masqueraded, so that the answer comes back through this node) and go to one of the two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from wherry.network.services.model import Endpoint, ServicePort
from wherry.network.services.nftables import frame
from wherry.network.services.nftables.ruleset import Ruleset

_LONGEST_NAME = 120


def compile_port(port: ServicePort, *, pod_cidr: str) -> Ruleset:
    """Everything that the table needs for one port."""
    rules = Ruleset()
    _choosing(rules, port)
    _internal(rules, port, pod_cidr)
    if port.node_port or port.outside_ips:
        _external(rules, port, pod_cidr)
    if port.source_ranges and port.load_balancer_ips:
        _firewall(rules, port)
    for endpoint in (*port.cluster_endpoints, *port.local_endpoints):
        if endpoint.local:
            rules.elements[frame.HAIRPIN, f"{endpoint.address} . {endpoint.address}"] = ""
    return rules


def _choosing(rules: Ruleset, port: ServicePort) -> None:
    for name, endpoints in (("cluster", port.cluster_endpoints), ("local", port.local_endpoints)):
        if not endpoints:
            continue
        if port.affinity_seconds:
            rules.chains[_chain(name, port)] = _with_affinity(rules, port, endpoints)
        else:
            rules.chains[_chain(name, port)] = (_balanced(port, endpoints),)


def _internal(rules: Ruleset, port: ServicePort, pod_cidr: str) -> None:
    verdict = _without_endpoints(port)
    if port.internal_endpoints:
        chain, verdict = _chain("internal", port), ""
        goal = _chain("local" if port.internal_local else "cluster", port)
        rules.chains[chain] = (f"ip saddr != {pod_cidr} jump {frame.MARK}", f"goto {goal}")
    for address in port.cluster_ips:
        rules.elements[frame.CLUSTER_IPS, address] = ""
        _serve_address(rules, port, address, "internal", verdict)


def _external(rules: Ruleset, port: ServicePort, pod_cidr: str) -> None:
    verdict = "" if port.external_endpoints else _without_endpoints(port)
    if port.external_local:
        body = _keeping_the_caller(port, pod_cidr)
    else:
        body = (f"jump {frame.MARK}", f"goto {_chain('cluster', port)}") if port.cluster_endpoints else ()
    if body:
        rules.chains[_chain("external", port)] = body
    for address in port.outside_ips:
        _serve_address(rules, port, address, "external", verdict, reachable=bool(body))
    if port.node_port:
        key = f"{port.protocol.lower()} . {port.node_port}"
        if body:
            rules.elements[frame.NODE_PORTS, key] = f"goto {_chain('external', port)}"
        if verdict:
            rules.elements[frame.NO_ENDPOINTS_NODE_PORTS, key] = verdict


def _keeping_the_caller(port: ServicePort, pod_cidr: str) -> tuple[str, ...]:
    """Policy Local: callers from outside keep their address and reach only this node's endpoints; pods and the node
    itself are inside, and go anywhere."""
    body: tuple[str, ...] = ()
    if port.cluster_endpoints:
        anywhere = _chain("cluster", port)
        body = (
            f"ip saddr {pod_cidr} goto {anywhere}",
            f"fib saddr type local jump {frame.MARK}",
            f"fib saddr type local goto {anywhere}",
        )
    return (*body, f"goto {_chain('local', port)}") if port.local_endpoints else body


def _serve_address(
    rules: Ruleset, port: ServicePort, address: str, kind: str, verdict: str, *, reachable: bool = True
) -> None:
    key = f"{address} . {port.protocol.lower()} . {port.port}"
    if verdict:
        rules.elements[frame.NO_ENDPOINTS, key] = verdict
    if not verdict or (kind == "external" and reachable):
        rules.elements[frame.SERVICES, key] = f"goto {_chain(kind, port)}"


def _firewall(rules: Ruleset, port: ServicePort) -> None:
    chain = _chain("firewall", port)
    rules.chains[chain] = (f"ip saddr != {{ {', '.join(port.source_ranges)} }} drop",)
    for address in port.load_balancer_ips:
        rules.elements[frame.FIREWALLS, f"{address} . {port.protocol.lower()} . {port.port}"] = f"goto {chain}"


def _without_endpoints(port: ServicePort) -> str:
    return "drop" if port.has_endpoints else f"goto {frame.REFUSE}"


def _balanced(port: ServicePort, endpoints: Sequence[Endpoint]) -> str:
    goals = list(dict.fromkeys(f"{endpoint.address} . {endpoint.port}" for endpoint in endpoints))
    entries = ", ".join(f"{number} : {goal}" for number, goal in enumerate(goals))
    return f"meta l4proto {port.protocol.lower()} dnat ip to numgen random mod {len(goals)} map {{ {entries} }}"


def _with_affinity(rules: Ruleset, port: ServicePort, endpoints: Sequence[Endpoint]) -> tuple[str, ...]:
    """Where this client went last time, else any; going there is what is remembered."""
    chains = []
    remembered = []
    for endpoint in dict.fromkeys((e.address, e.port) for e in endpoints):
        address, number = endpoint
        mark = _digest(f"{port.service}/{port.protocol}/{port.name}/{address}/{number}/{port.affinity_seconds}")
        clients, chain = f"clients-{mark}", f"endpoint-{mark}-{address}/{number}"
        rules.client_sets[clients] = port.affinity_seconds
        rules.chains[chain] = (
            f"update @{clients} {{ ip saddr }}",
            f"meta l4proto {port.protocol.lower()} dnat to {address}:{number}",
        )
        remembered.append(f"ip saddr @{clients} goto {chain}")
        chains.append(chain)
    entries = ", ".join(f"{number} : goto {chain}" for number, chain in enumerate(chains))
    return (*remembered, f"numgen random mod {len(chains)} vmap {{ {entries} }}")


def _chain(kind: str, port: ServicePort) -> str:
    """A name that is unique and that people can read."""
    namespace, service = port.service
    readable = f"{namespace}/{service}/{port.protocol.lower()}/{port.name}"
    return f"{kind}-{_digest(readable)}-{readable.rstrip('/')}"[:_LONGEST_NAME]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
