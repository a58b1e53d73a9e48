from typing import Any

import pytest

from wherry.api.types import Object
from wherry.network.services.endpoints import Place
from wherry.network.services.model import ServicePort
from wherry.network.services.reading import service_of, service_ports

HERE = Place(node="n1")
SLICE: Object = {
    "metadata": {"namespace": "ns", "labels": {"kubernetes.io/service-name": "web"}},
    "addressType": "IPv4",
    "endpoints": [{"addresses": ["10.0.0.1"], "nodeName": "n1"}, {"addresses": ["10.0.0.2"], "nodeName": "n2"}],
    "ports": [{"name": "", "port": 8080}],
}


def service(labels: dict[str, str] | None = None, status: Object | None = None, **spec: Any) -> Object:
    return {
        "metadata": {"name": "web", "namespace": "ns", "labels": labels or {}},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.5", "ports": [{"port": 80}], **spec},
        "status": status or {},
    }


def read(**options: Any) -> ServicePort:
    (port,) = service_ports(service(**options), [SLICE], place=HERE)
    return port


def test_a_plain_service() -> None:
    port = read()
    assert (port.service, port.protocol, port.port, port.cluster_ips) == (("ns", "web"), "TCP", 80, ("10.96.0.5",))
    assert [(e.address, e.port, e.local) for e in port.cluster_endpoints] == [
        ("10.0.0.1", 8080, True),
        ("10.0.0.2", 8080, False),
    ]
    assert (port.node_port, port.affinity_seconds, port.has_endpoints) == (0, 0, True)


@pytest.mark.parametrize(
    "options",
    [
        {"clusterIP": "None"},
        {"clusterIP": ""},
        {"type": "ExternalName", "externalName": "x"},
        {"labels": {"service.kubernetes.io/service-proxy-name": "other"}},
    ],
)
def test_services_that_need_no_proxy(options: dict[str, Any]) -> None:
    assert service_ports(service(**options), [SLICE], place=HERE) == ()


def test_a_service_that_is_gone() -> None:
    assert service_ports(None, [SLICE], place=HERE) == ()


def test_node_ports_count_only_for_types_that_have_them() -> None:
    ports = [{"port": 80, "nodePort": 30000}]
    assert read(ports=ports).node_port == 0
    assert read(ports=ports, type="NodePort").node_port == 30000
    assert read(ports=ports, type="LoadBalancer").node_port == 30000


def test_policies_decide_which_endpoints_are_kept() -> None:
    port = read(type="NodePort", externalTrafficPolicy="Local")
    assert [e.address for e in port.external_endpoints] == ["10.0.0.1"]
    assert len(port.internal_endpoints) == 2
    port = read(internalTrafficPolicy="Local")
    assert [e.address for e in port.internal_endpoints] == ["10.0.0.1"]
    assert not read(externalTrafficPolicy="Local").external_local


def test_load_balancers_are_reached_by_address_unless_they_want_to_see_the_packets() -> None:
    ingress = [{"ip": "1.1.1.1"}, {"ip": "2.2.2.2", "ipMode": "Proxy"}, {"ip": "fd00::1"}, {"hostname": "x"}]
    status = {"loadBalancer": {"ingress": ingress}}
    assert read(type="LoadBalancer", status=status).load_balancer_ips == ("1.1.1.1",)
    assert read(type="NodePort", status=status).load_balancer_ips == ()


def test_affinity_has_upstreams_default() -> None:
    assert read(sessionAffinity="ClientIP").affinity_seconds == 10800
    config = {"clientIP": {"timeoutSeconds": 5}}
    assert read(sessionAffinity="ClientIP", sessionAffinityConfig=config).affinity_seconds == 5


def test_texts_that_are_no_addresses_never_get_through() -> None:
    port = read(
        externalIPs=["1.2.3.4", "1.2.3.4; flush ruleset", "fd00::1", "01.2.3.4"],
        loadBalancerSourceRanges=[" 10.0.0.0/8", "10.1.0.0/16", "} drop", "fd00::/8"],
    )
    assert port.external_ips == ("1.2.3.4",)
    assert port.source_ranges == ("10.0.0.0/8",)


def test_slices_of_headless_services_belong_to_nobody_here() -> None:
    assert service_of(SLICE) == ("ns", "web")
    labels = {"kubernetes.io/service-name": "web", "service.kubernetes.io/headless": ""}
    assert service_of({"metadata": {"namespace": "ns", "labels": labels}}) == ("ns", "")
    assert service_of({"metadata": {"namespace": "ns"}}) == ("ns", "")
