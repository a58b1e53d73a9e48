import socket
import struct

from wherry.network.services.model import Endpoint, ServicePort
from wherry.network.services.nftables.dataplane import datagram_goals
from wherry.network.services.nftables.tracking import Tracked, parse, stale


def attribute(kind: int, body: bytes, *, nested: bool = False) -> bytes:
    data = struct.pack("=HH", 4 + len(body), kind | (0x8000 if nested else 0)) + body
    return data + bytes(-len(data) % 4)


def ends(kind: int, source: str, source_port: int, target: str, target_port: int) -> bytes:
    addresses = attribute(1, socket.inet_aton(source)) + attribute(2, socket.inet_aton(target))
    ports = (
        attribute(1, bytes([socket.IPPROTO_UDP]))
        + attribute(2, struct.pack("!H", source_port))
        + attribute(3, struct.pack("!H", target_port))
    )
    return attribute(kind, attribute(1, addresses, nested=True) + attribute(2, ports, nested=True), nested=True)


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body


def test_entries_are_read_out_of_a_dump() -> None:
    original = ends(1, "10.244.1.2", 4000, "10.96.0.10", 53)
    body = bytes([socket.AF_INET, 0, 0, 0]) + original + ends(2, "10.200.0.1", 5353, "10.244.1.2", 4000)
    data = message(0x100, body) * 2 + message(3, bytes(4))
    entry = Tracked(socket.IPPROTO_UDP, ("10.96.0.10", 53), ("10.200.0.1", 5353), original)
    assert list(parse(data)) == [entry, entry]


def test_an_entry_is_stale_where_its_service_leads_elsewhere() -> None:
    def entry(answered_by: tuple[str, int], protocol: int = socket.IPPROTO_UDP) -> Tracked:
        return Tracked(protocol, ("10.96.0.10", 53), answered_by, b"")

    goals = {("10.96.0.10", 53): {("10.0.0.1", 5353)}}
    assert not stale(entry(("10.0.0.1", 5353)), goals)
    assert stale(entry(("10.0.0.2", 5353)), goals)
    assert stale(entry(("10.96.0.10", 53)), goals), "from before the Service was there"
    assert not stale(entry(("10.0.0.2", 5353), socket.IPPROTO_TCP), goals)
    assert not stale(entry(("10.0.0.2", 5353)), {("10.96.0.11", 53): set()})


def test_goals_are_those_of_udp_ports_at_all_their_addresses() -> None:
    dns = ServicePort(
        service=("kube-system", "kube-dns"),
        name="dns",
        protocol="UDP",
        port=53,
        cluster_ips=("10.96.0.10",),
        node_port=30053,
        cluster_endpoints=(Endpoint(address="10.0.0.1", port=5353),),
    )
    tcp = ServicePort(service=dns.service, name="tcp", protocol="TCP", port=53, cluster_ips=dns.cluster_ips)
    assert datagram_goals([dns, tcp], ["10.200.0.2"]) == {
        ("10.96.0.10", 53): {("10.0.0.1", 5353)},
        ("10.200.0.2", 30053): {("10.0.0.1", 5353)},
    }
