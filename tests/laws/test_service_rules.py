"""From any state of Services to any other, the script leads there, and at no line to something that is not there."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from wherry.network.services.model import Endpoint, ServicePort
from wherry.network.services.nftables.rules import compile_port
from wherry.network.services.nftables.ruleset import Ruleset, changes, merged

TABLE = "ip t"
_REFERENCE = re.compile(r"(?:goto|jump) ([^\s,}]+)|@(clients-\w+)")
_FIXED = {"mark-for-masquerade", "refuse"}

ENDPOINTS = st.lists(
    st.builds(
        Endpoint, address=st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3"]), port=st.just(80), local=st.booleans()
    ),
    max_size=3,
    unique_by=lambda endpoint: endpoint.address,
).map(tuple)


@st.composite
def ports(draw: st.DrawFn, number: int) -> ServicePort:
    endpoints = draw(ENDPOINTS)
    return ServicePort(
        service=("ns", f"s{number}"),
        name="http",
        protocol=draw(st.sampled_from(["TCP", "UDP"])),
        port=80,
        cluster_ips=(f"10.96.0.{number}",),
        external_ips=draw(st.sampled_from([(), ("1.2.3.4",)])),
        load_balancer_ips=draw(st.sampled_from([(), ("5.6.7.8",)])),
        source_ranges=draw(st.sampled_from([(), ("10.0.0.0/8",)])),
        node_port=draw(st.sampled_from([0, 30000 + number])),
        affinity_seconds=draw(st.sampled_from([0, 60, 90])),
        internal_local=draw(st.booleans()),
        external_local=draw(st.booleans()),
        cluster_endpoints=endpoints,
        local_endpoints=tuple(endpoint for endpoint in endpoints if endpoint.local),
        has_endpoints=draw(st.booleans()) or bool(endpoints),
    )


@st.composite
def rulesets(draw: st.DrawFn) -> Ruleset:
    chosen = draw(st.sets(st.integers(1, 4), max_size=4))
    return merged(compile_port(draw(ports(number)), pod_cidr="10.0.0.0/8") for number in sorted(chosen))


class Kernel:
    """As much of nftables as a script can get wrong."""

    def __init__(self) -> None:
        self.state = Ruleset()

    def run(self, script: str) -> None:
        for line in script.splitlines():
            verb, kind, rest = line.split(" ", 2)
            name, _, rest = rest.removeprefix(f"{TABLE} ").partition(" ")
            getattr(self, f"{verb}_{kind}")(name, rest)

    def references(self) -> set[str]:
        texts = [rule for rules in self.state.chains.values() for rule in rules]
        found = _REFERENCE.findall("\n".join([*texts, *self.state.elements.values()]))
        return {chain or clients for chain, clients in found}

    def check(self, text: str) -> None:
        for chain, clients in _REFERENCE.findall(text):
            assert clients in self.state.client_sets if clients else chain in self.state.chains or chain in _FIXED

    def add_set(self, name: str, rest: str) -> None:
        assert name not in self.state.client_sets
        self.state.client_sets[name] = int(rest.partition("timeout ")[2].split("timeout ")[-1].split("s;")[0])

    def delete_set(self, name: str, rest: str) -> None:
        del self.state.client_sets[name]
        assert name not in self.references()

    def add_chain(self, name: str, rest: str) -> None:
        assert name not in self.state.chains
        self.state.chains[name] = ()

    def flush_chain(self, name: str, rest: str) -> None:
        assert name in self.state.chains
        self.state.chains[name] = ()

    def delete_chain(self, name: str, rest: str) -> None:
        assert self.state.chains.pop(name) == ()
        assert name not in self.references()

    def add_rule(self, name: str, rest: str) -> None:
        self.check(rest)
        self.state.chains[name] += (rest,)

    def add_element(self, name: str, rest: str) -> None:
        for entry in rest.strip("{ }").split(", "):
            key, _, value = entry.partition(" : ")
            self.check(value)
            assert (name, key) not in self.state.elements
            self.state.elements[name, key] = value

    def delete_element(self, name: str, rest: str) -> None:
        del self.state.elements[name, rest.strip("{ }")]


@settings(max_examples=200)
@given(st.lists(rulesets(), min_size=1, max_size=4))
def test_a_script_leads_from_any_state_to_any_other(states: list[Ruleset]) -> None:
    kernel, before = Kernel(), Ruleset()
    for state in states:
        kernel.run(changes(TABLE, before, state))
        assert kernel.state == state
        before = state
