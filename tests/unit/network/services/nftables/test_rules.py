from typing import Any

import pytest

from wherry.network.services.model import Endpoint, ServicePort
from wherry.network.services.nftables import frame
from wherry.network.services.nftables.rules import compile_port
from wherry.network.services.nftables.ruleset import Ruleset, changes, merged

NEAR = Endpoint(address="10.244.1.2", port=8080, local=True)
FAR = Endpoint(address="10.244.2.2", port=8080)


def compiled(*endpoints: Endpoint, **options: Any) -> Ruleset:
    fields = {
        "service": ("ns", "web"),
        "name": "http",
        "protocol": "TCP",
        "port": 80,
        "cluster_ips": ("10.96.0.5",),
        "cluster_endpoints": endpoints,
        "local_endpoints": tuple(e for e in endpoints if e.local),
        "has_endpoints": bool(endpoints),
        **options,
    }
    return compile_port(ServicePort(**fields), pod_cidr="10.244.0.0/16")


def chain(rules: Ruleset, kind: str) -> tuple[str, ...]:
    (found,) = (body for name, body in rules.chains.items() if name.startswith(f"{kind}-"))
    return found


def test_one_rule_chooses_among_all_endpoints() -> None:
    rules = compiled(NEAR, FAR)
    assert chain(rules, "cluster") == (
        "meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.244.1.2 . 8080, 1 : 10.244.2.2 . 8080 }",
    )
    first, second = chain(rules, "internal")
    assert first == "ip saddr != 10.244.0.0/16 jump mark-for-masquerade"
    assert second.startswith("goto cluster-")
    assert rules.elements[frame.SERVICES, "10.96.0.5 . tcp . 80"].startswith("goto internal-")
    assert rules.elements[frame.HAIRPIN, "10.244.1.2 . 10.244.1.2"] == ""
    assert (frame.HAIRPIN, "10.244.2.2 . 10.244.2.2") not in rules.elements


@pytest.mark.parametrize(("elsewhere", "verdict"), [(False, "goto refuse"), (True, "drop")])
def test_without_endpoints_it_is_refused_and_with_forbidden_ones_dropped(elsewhere: bool, verdict: str) -> None:
    rules = compiled(internal_local=True, has_endpoints=elsewhere, node_port=30000)
    assert rules.elements[frame.NO_ENDPOINTS, "10.96.0.5 . tcp . 80"] == verdict
    assert rules.elements[frame.NO_ENDPOINTS_NODE_PORTS, "tcp . 30000"] == verdict
    assert not any(set_ in (frame.SERVICES, frame.NODE_PORTS) for set_, _ in rules.elements)
    assert rules.chains == {}


def test_from_outside_everything_is_masqueraded() -> None:
    rules = compiled(FAR, node_port=30000, external_ips=("1.2.3.4",), load_balancer_ips=("5.6.7.8", "1.2.3.4"))
    assert chain(rules, "external")[0] == "jump mark-for-masquerade"
    goal = rules.elements[frame.NODE_PORTS, "tcp . 30000"]
    assert rules.elements[frame.SERVICES, "1.2.3.4 . tcp . 80"] == goal
    assert rules.elements[frame.SERVICES, "5.6.7.8 . tcp . 80"] == goal


def test_policy_local_keeps_the_caller_but_not_for_pods_and_the_node() -> None:
    body = chain(compiled(NEAR, FAR, node_port=30000, external_local=True), "external")
    assert body[0].startswith("ip saddr 10.244.0.0/16 goto cluster-")
    assert body[1] == "fib saddr type local jump mark-for-masquerade"
    assert body[3].startswith("goto local-")


def test_policy_local_without_endpoints_here_drops_only_those_from_outside() -> None:
    rules = compiled(FAR, node_port=30000, external_local=True)
    assert rules.elements[frame.NO_ENDPOINTS_NODE_PORTS, "tcp . 30000"] == "drop"
    assert (frame.NODE_PORTS, "tcp . 30000") in rules.elements
    assert not any(line.startswith("goto local") for line in chain(rules, "external"))


def test_affinity_remembers_each_client_per_endpoint() -> None:
    rules = compiled(NEAR, FAR, affinity_seconds=60)
    assert set(rules.client_sets.values()) == {60}
    body = chain(rules, "cluster")
    assert [line.partition(" goto ")[0].startswith("ip saddr @clients-") for line in body] == [True, True, False]
    assert body[2].startswith("numgen random mod 2 vmap { 0 : goto endpoint-")


def test_source_ranges_guard_the_load_balancers_address() -> None:
    rules = compiled(FAR, load_balancer_ips=("5.6.7.8",), source_ranges=("10.0.0.0/8",))
    assert chain(rules, "firewall") == ("ip saddr != { 10.0.0.0/8 } drop",)
    assert rules.elements[frame.FIREWALLS, "5.6.7.8 . tcp . 80"].startswith("goto firewall-")


def test_names_of_chains_are_unique_and_fit() -> None:
    long = {"service": ("n" * 63, "s" * 63), "name": "p" * 15}
    names = [*compiled(FAR, **long).chains, *compiled(FAR, **{**long, "name": "q" * 15}).chains]
    assert len(set(names)) == 4
    assert all(len(name) <= 120 for name in names)


def test_nothing_changed_is_no_script() -> None:
    rules = compiled(NEAR)
    assert changes("ip t", rules, rules) == ""


def test_a_script_makes_things_before_they_are_used_and_deletes_them_after() -> None:
    old, new = compiled(NEAR, affinity_seconds=60), compiled(FAR, affinity_seconds=60)
    lines = changes("ip t", old, new).splitlines()
    order = ["add set", "add chain", "delete element", "flush chain", "add rule", "delete chain", "delete set"]
    firsts = [next(i for i, line in enumerate(lines) if line.startswith(verb)) for verb in order]
    lasts = [max(i for i, line in enumerate(lines) if line.startswith(verb)) for verb in order]
    assert all(last < first for last, first in zip(lasts, firsts[1:], strict=False))


def test_a_changed_verdict_is_deleted_and_added() -> None:
    lines = changes("ip t", compiled(), compiled(NEAR)).splitlines()
    key = "10.96.0.5 . tcp . 80"
    assert f"delete element ip t no-endpoint-services {{ {key} }}" in lines
    assert any(line.startswith(f"add element ip t service-ips {{ {key} : goto internal-") for line in lines)


def test_of_two_services_with_one_address_the_first_has_it() -> None:
    one = compiled(NEAR, external_ips=("1.2.3.4",))
    two = compiled(FAR, service=("ns", "zeb"), external_ips=("1.2.3.4",), cluster_ips=("10.96.0.6",))
    whole = merged([one, two])
    assert whole.elements[frame.SERVICES, "1.2.3.4 . tcp . 80"] == one.elements[frame.SERVICES, "1.2.3.4 . tcp . 80"]
    back = merged([two])
    assert "1.2.3.4 . tcp . 80" in changes("ip t", whole, back)
