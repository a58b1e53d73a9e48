import random
import socket
import struct

import pytest

from wherry.api.types import Object
from wherry.network.dns.answers import Elsewhere, answer
from wherry.network.dns.messages import Answer, Code, Query
from wherry.network.dns.objects import namespace_record, service_records, zone_records
from wherry.network.dns.records import Type
from wherry.network.dns.zone import Records

ZONE = "cluster.local"


def service(name: str, **spec: object) -> Object:
    return {"metadata": {"name": name, "namespace": "ns"}, "spec": {"type": "ClusterIP", **spec}}


def slice_(*endpoints: Object, type_: str = "IPv4") -> Object:
    ports = [{"name": "http", "port": 8080, "protocol": "TCP"}]
    return {"addressType": type_, "endpoints": list(endpoints), "ports": ports}


@pytest.fixture
def names() -> Records:
    names = Records()
    names.replace("zone", zone_records(ZONE, "10.96.0.10"))
    names.replace("ns", namespace_record(ZONE, "ns"))
    objects: list[tuple[Object, list[Object]]] = [
        (service("web", clusterIPs=["10.96.0.5", "fd00::5"], ports=[{"name": "http", "port": 80}]), []),
        (
            service("db", clusterIP="None", ports=[{"name": "http", "port": 80}]),
            [
                slice_(
                    {"addresses": ["10.0.0.1"], "hostname": "db-0"},
                    {"addresses": ["10.0.0.2"], "conditions": {"ready": True}},
                    {"addresses": ["10.0.0.3"], "conditions": {"ready": False}},
                ),
                slice_({"addresses": ["fd00::9"]}, type_="IPv6"),
            ],
        ),
        (service("empty", clusterIP="None"), []),
        (service("out", type="ExternalName", externalName="Example.COM."), []),
        (service("inner", type="ExternalName", externalName="web.ns.svc.cluster.local"), []),
        (service("circle", type="ExternalName", externalName="circle.ns.svc.cluster.local"), []),
    ]
    for found, slices in objects:
        names.replace(found["metadata"]["name"], service_records(found, slices, ZONE))
    return names


def ask(names: Records, name: str, type_: int = Type.A) -> Answer:
    found = answer(Query(id=1, name=name, type=type_, class_=1), names, ZONE)
    assert isinstance(found, Answer)
    return found


def ips(found: Answer) -> list[str]:
    return [socket.inet_ntop(socket.AF_INET if len(r.fixed) == 4 else socket.AF_INET6, r.fixed) for r in found.records]


@pytest.mark.parametrize(
    ("name", "type_", "expected"),
    [
        ("web.ns.svc.cluster.local", Type.A, ["10.96.0.5"]),
        ("WEB.ns.svc.Cluster.Local", Type.A, ["10.96.0.5"]),
        ("web.ns.svc.cluster.local", Type.AAAA, ["fd00::5"]),
        ("db.ns.svc.cluster.local", Type.A, ["10.0.0.1", "10.0.0.2"]),
        ("db.ns.svc.cluster.local", Type.AAAA, ["fd00::9"]),
        ("db-0.db.ns.svc.cluster.local", Type.A, ["10.0.0.1"]),
        ("10-0-0-2.db.ns.svc.cluster.local", Type.A, ["10.0.0.2"]),
        ("1-2-3-4.ns.pod.cluster.local", Type.A, ["1.2.3.4"]),
        ("fd00--7.ns.pod.cluster.local", Type.AAAA, ["fd00::7"]),
        ("ns.dns.cluster.local", Type.A, ["10.96.0.10"]),
    ],
)
def test_addresses(names: Records, name: str, type_: int, expected: list[str]) -> None:
    found = ask(names, name, type_)
    assert (found.code, found.authoritative, ips(found)) == (Code.NOERROR, True, expected)


@pytest.mark.parametrize(
    ("name", "type_", "code"),
    [
        ("nothing.ns.svc.cluster.local", Type.A, Code.NXDOMAIN),
        ("empty.ns.svc.cluster.local", Type.A, Code.NXDOMAIN),
        ("db-1.db.ns.svc.cluster.local", Type.A, Code.NXDOMAIN),
        ("web.other.svc.cluster.local", Type.A, Code.NXDOMAIN),
        ("1-2-3-4.other.pod.cluster.local", Type.A, Code.NXDOMAIN),
        ("1-2-3-999.ns.pod.cluster.local", Type.A, Code.NXDOMAIN),
        ("example.com.cluster.local", Type.A, Code.NXDOMAIN),
        ("web.ns.svc.cluster.local", Type.TXT, Code.NOERROR),
        ("1-2-3-4.ns.pod.cluster.local", Type.AAAA, Code.NOERROR),
        ("ns.svc.cluster.local", Type.A, Code.NOERROR),
        ("_tcp.web.ns.svc.cluster.local", Type.A, Code.NOERROR),
        ("svc.cluster.local", Type.A, Code.NOERROR),
        ("cluster.local", Type.A, Code.NOERROR),
    ],
)
def test_nothing_there_is_told_apart_from_nothing_of_that_type(
    names: Records, name: str, type_: int, code: Code
) -> None:
    found = ask(names, name, type_)
    assert (found.code, list(found.records)) == (code, [])
    (authority,) = found.authority
    assert (authority.type, authority.ttl) == (Type.SOA, 5)


def test_ports_of_a_cluster_ip_lead_to_the_service(names: Records) -> None:
    found = ask(names, "_http._tcp.web.ns.svc.cluster.local", Type.SRV)
    (record,) = found.records
    assert (struct.unpack("!HHH", record.fixed), record.target) == ((0, 100, 80), "web.ns.svc.cluster.local")
    assert {r.type for r in found.additional} == {Type.A, Type.AAAA}


def test_ports_of_a_headless_service_lead_to_its_endpoints(names: Records) -> None:
    found = ask(names, "_http._tcp.db.ns.svc.cluster.local", Type.SRV)
    assert {(struct.unpack("!HHH", r.fixed)[2], r.target) for r in found.records} == {
        (8080, "db-0.db.ns.svc.cluster.local"),
        (8080, "10-0-0-2.db.ns.svc.cluster.local"),
        (8080, "fd00--9.db.ns.svc.cluster.local"),
    }
    assert len(found.additional) == 3


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("5.0.96.10.in-addr.arpa", "web.ns.svc.cluster.local"),
        ("1.0.0.10.in-addr.arpa", "db-0.db.ns.svc.cluster.local"),
        ("2.0.0.10.in-addr.arpa", "10-0-0-2.db.ns.svc.cluster.local"),
    ],
)
def test_addresses_lead_back_to_names(names: Records, name: str, target: str) -> None:
    (record,) = ask(names, name, Type.PTR).records
    assert record.target == target


@pytest.mark.parametrize("name", ["example.com", "9.9.9.9.in-addr.arpa", "local", "xcluster.local", ""])
def test_other_names_are_somebody_elses(names: Records, name: str) -> None:
    found = answer(Query(id=1, name=name, type=Type.A, class_=1), names, ZONE)
    assert found == Elsewhere(name)


def test_an_external_name_leads_out(names: Records) -> None:
    found = answer(Query(id=1, name="out.ns.svc.cluster.local", type=Type.A, class_=1), names, ZONE)
    assert isinstance(found, Elsewhere)
    assert (found.name, found.found[0].target) == ("example.com", "example.com")


def test_an_external_name_of_the_cluster_is_followed(names: Records) -> None:
    found = ask(names, "inner.ns.svc.cluster.local")
    assert [r.type for r in found.records] == [Type.CNAME, Type.A]


def test_the_alias_itself_can_be_asked_for(names: Records) -> None:
    (record,) = ask(names, "out.ns.svc.cluster.local", Type.CNAME).records
    assert record.target == "example.com"


def test_names_in_a_circle_come_to_an_end(names: Records) -> None:
    assert len(ask(names, "circle.ns.svc.cluster.local").records) <= 8


def test_the_zone_tells_its_version_and_its_server(names: Records) -> None:
    assert ask(names, "dns-version.cluster.local", Type.TXT).records[0].fixed == b"\x051.1.0"
    assert ask(names, ZONE, Type.NS).records[0].target == "ns.dns.cluster.local"
    assert ask(names, ZONE, Type.SOA).records[0].type == Type.SOA


def test_other_classes_are_refused(names: Records) -> None:
    found = answer(Query(id=1, name=ZONE, type=Type.TXT, class_=3), names, ZONE)
    assert isinstance(found, Answer)
    assert found.code == Code.REFUSED


def test_the_order_of_addresses_changes(names: Records) -> None:
    rng = random.Random(1)
    query = Query(id=1, name="db.ns.svc.cluster.local", type=Type.A, class_=1)
    firsts = set()
    for _ in range(20):
        found = answer(query, names, ZONE, rng)
        assert isinstance(found, Answer)
        firsts.add(found.records[0].fixed)
    assert len(firsts) == 2


def test_a_service_that_is_gone_leaves_nothing(names: Records) -> None:
    names.replace("db", [])
    names.replace("web", [])
    assert ask(names, "db-0.db.ns.svc.cluster.local").code == Code.NXDOMAIN
    assert not names.exists("web.ns.svc.cluster.local")
    assert names.exists("ns.svc.cluster.local")
