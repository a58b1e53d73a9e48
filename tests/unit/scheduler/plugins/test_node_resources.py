"""Room on nodes, and which node with room is best."""

from __future__ import annotations

import pytest

from wherry.scheduler.framework.pod_info import PodInfo
from wherry.scheduler.framework.status import Code, Status
from wherry.scheduler.plugins.image_locality import ImageLocality
from wherry.scheduler.plugins.node_ports import NodePorts
from wherry.scheduler.plugins.node_resources_balanced import NodeResourcesBalancedAllocation
from wherry.scheduler.plugins.node_resources_fit import NodeResourcesFit
from wherry.testing.plugins import cluster_of, fitting, reasons, scores
from wherry.testing.scheduling import node, pod


def test_what_is_free_counts():
    cluster = cluster_of([node("n1", cpu="2")], [pod("other", cpu="1500m", node_name="n1")])
    assert fitting(NodeResourcesFit(), pod(cpu="500m"), cluster) == ["n1"]
    assert reasons(NodeResourcesFit(), pod(cpu="501m"), cluster) == {"n1": "Insufficient cpu"}


def test_every_resource_that_is_missing_is_named():
    wanted = pod(cpu="2", memory="2Gi", requests={"example.org/gpu": "1"})
    cluster = cluster_of([node("n1", cpu="1", memory="1Gi", pods=0)])
    text = "Too many pods, Insufficient cpu, Insufficient memory, Insufficient example.org/gpu"
    assert reasons(NodeResourcesFit(), wanted, cluster) == {"n1": text}


def test_pods_without_requests_need_only_a_place():
    cluster = cluster_of([node("n1", cpu="0", pods=1)])
    assert fitting(NodeResourcesFit(), pod(), cluster) == ["n1"]
    cluster.set_pod(pod("other", node_name="n1"))
    assert reasons(NodeResourcesFit(), pod(), cluster) == {"n1": "Too many pods"}


def test_extended_resources():
    cluster = cluster_of([node("n1", more={"example.org/gpu": "2"}), node("n2")])
    assert fitting(NodeResourcesFit(), pod(requests={"example.org/gpu": "2"}), cluster) == ["n1"]


@pytest.mark.parametrize(("cpu", "code"), [("2", Code.UNSCHEDULABLE), ("4", Code.UNRESOLVABLE)])
def test_more_than_the_whole_node_cannot_be_helped(cpu: str, code: Code):
    cluster = cluster_of([node("n1", cpu="3")], [pod("other", cpu="2", node_name="n1")])
    info = cluster.node("n1")
    assert info is not None
    status = NodeResourcesFit().pre_filter(PodInfo(pod(cpu=cpu)), cluster).filter(info)
    assert isinstance(status, Status)
    assert status.code is code


def test_the_emptier_node_is_better():
    cluster = cluster_of(
        [node("n1", cpu="4", memory="4Gi"), node("n2", cpu="4", memory="4Gi")],
        [pod("other", cpu="2", memory="2Gi", node_name="n2")],
    )
    assert scores(NodeResourcesFit(), pod(cpu="1", memory="1Gi"), cluster) == {"n1": 75, "n2": 25}


def test_the_node_that_becomes_more_balanced_is_better():
    nodes = [node("n1", cpu="4", memory="4Gi"), node("n2", cpu="4", memory="4Gi")]
    cluster = cluster_of(nodes, [pod("other", memory="2Gi", node_name="n2")])
    assert scores(NodeResourcesBalancedAllocation(), pod(cpu="2"), cluster) == {"n1": 62, "n2": 87}
    assert scores(NodeResourcesBalancedAllocation(), pod(), cluster) is None


def with_port(name: str, port: int, ip: str = "", protocol: str = "TCP", node_name: str = "") -> dict:
    made = pod(name, node_name=node_name)
    made["spec"]["containers"][0]["ports"] = [{"hostPort": port, "hostIP": ip, "protocol": protocol}]
    return made


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (with_port("p", 80), False),
        (with_port("p", 81), True),
        (with_port("p", 80, protocol="UDP"), True),
        (with_port("p", 80, ip="10.0.0.1"), False),
        (with_port("p", 8080, ip="10.0.0.1"), False),
        (with_port("p", 8080, ip="10.0.0.2"), True),
        (with_port("p", 8080), False),
    ],
)
def test_host_ports(wanted: dict, fits: bool):
    held = [with_port("a", 80, node_name="n1"), with_port("b", 8080, ip="10.0.0.1", node_name="n1")]
    cluster = cluster_of([node("n1")], held)
    text = "" if fits else "node(s) didn't have free ports for the requested pod ports"
    assert reasons(NodePorts(), wanted, cluster) == {"n1": text}


def test_nodes_that_have_the_image():
    with_image = node("n1")
    with_image["status"]["images"] = [{"names": ["example.org/image:1"], "sizeBytes": 1000 * 1024 * 1024}]
    cluster = cluster_of([with_image, node("n2")])
    # Only one of two nodes has it, so it counts half.
    assert scores(ImageLocality(), pod(), cluster) == {"n1": 48, "n2": 0}
    assert scores(ImageLocality(), pod(), cluster_of([node("n2")])) is None
