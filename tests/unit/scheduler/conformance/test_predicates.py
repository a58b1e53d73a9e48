"""Where pods may run, as upstream's conformance titles ask it."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.testing.scheduling import node, pod, scheduling


def serving(name: str, address: str = "", protocol: str = "TCP") -> Object:
    made = pod(name, labels={"app": "port"})
    port = {"containerPort": 8080, "hostPort": 54323, "protocol": protocol}
    made["spec"]["containers"][0]["ports"] = [port | ({"hostIP": address} if address else {})]
    return made


async def test_what_pods_ask_for_is_never_more_than_a_node_has():
    async with scheduling(node("n1", cpu="4"), node("n2", cpu="2")) as cluster:
        fillers = [pod("fill-1", cpu="2800m"), pod("fill-2", cpu="1400m")]
        await cluster.create(*fillers, pod("more", cpu="1300m"))
        assert await cluster.node_of("fill-1") == "n1"
        assert await cluster.node_of("fill-2") == "n2"
        assert await cluster.node_of("more") is None
        (message,) = await cluster.events("FailedScheduling")
        assert message.startswith("0/2 nodes are available: 2 Insufficient cpu.")
        await cluster.create(pod("less", cpu="1200m"))
        assert await cluster.node_of("less") == "n1"


async def test_overhead_counts_as_if_containers_asked_for_it():
    handler = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "test-handler"}}
    async with scheduling(node("n1", cpu="1")) as cluster:
        overhead = {"handler": "test-handler", "overhead": {"podFixed": {"cpu": "250m"}}}
        await cluster.client.create("runtimeclasses.node.k8s.io", {**handler, **overhead})
        await cluster.create(pod("p", cpu="700m", runtimeClassName="test-handler"))
        assert await cluster.node_of("p") == "n1"
        await cluster.create(pod("more", cpu="100m"))
        assert await cluster.node_of("more") is None


async def test_a_node_selector_that_matches_none_keeps_the_pod_pending():
    async with scheduling(node("n1"), node("n2")) as cluster:
        await cluster.create(pod("p", nodeSelector={"label": "nonempty"}))
        (message,) = await cluster.events("FailedScheduling")
        text = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."
        assert message.startswith(text)


async def test_a_node_selector_that_matches_one_leads_there():
    async with scheduling(node("n1"), node("n2", labels={"kubernetes.io/e2e": "42"})) as cluster:
        await cluster.create(pod("p", nodeSelector={"kubernetes.io/e2e": "42"}))
        assert await cluster.node_of("p") == "n2"


async def test_a_port_at_every_address_is_taken_at_each():
    async with scheduling(node("n1")) as cluster:
        await cluster.create(serving("everywhere"), serving("one", "127.0.0.1"))
        assert await cluster.node_of("everywhere") == "n1"
        assert await cluster.node_of("one") is None
        (message,) = await cluster.events("FailedScheduling")
        assert "didn't have free ports for the requested pod ports" in message


async def test_ports_differ_by_address_and_protocol():
    async with scheduling(node("n1")) as cluster:
        pods = [serving("a", "127.0.0.1"), serving("b", "10.0.0.1"), serving("c", "10.0.0.1", "UDP")]
        await cluster.create(*pods)
        assert [await cluster.node_of(name) for name in "abc"] == ["n1"] * 3
