"""Hints by zone, in proportion to the zones' CPU."""

from __future__ import annotations

from collections import Counter

import pytest

from wherry.api.types import Object
from wherry.controllers.endpoints.topology import NoHints, hinted, zone_shares, zones_of
from wherry.testing.controllers import Cluster, ClusterFactory, workload

ZONE = "topology.kubernetes.io/zone"


def node(zone: str, cpu: str = "4", ready: str = "True", **labels: str) -> Object:
    return {
        "metadata": {"labels": {ZONE: zone, **labels} if zone else labels},
        "status": {"allocatable": {"cpu": cpu}, "conditions": [{"type": "Ready", "status": ready}]},
    }


def endpoints(**zones: int) -> list[Object]:
    found = [(zone, number) for zone, count in zones.items() for number in range(count)]
    return [{"addresses": [f"{zone}{n}"], "zone": zone, "conditions": {"ready": True}} for zone, n in found]


def test_shares_are_of_ready_nodes_that_are_no_control_plane() -> None:
    control = node("a", "64", **{"node-role.kubernetes.io/control-plane": ""})
    assert zone_shares([node("a"), node("b", "8"), node("b"), node("c", ready="False"), control]) == {
        "a": 0.25,
        "b": 0.75,
    }


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("a"), node("a")], "Nodes only ready in one zone"),
        ([node("a"), node("")], "Insufficient Node information"),
        ([node("a"), node("b", "0")], "Insufficient Node information"),
        ([], "Insufficient Node information"),
    ],
)
def test_nodes_that_do_not_tell_enough(nodes: list[Object], message: str) -> None:
    with pytest.raises(NoHints, match=message):
        zone_shares(nodes)


@pytest.mark.parametrize(
    ("have", "shares", "expected"),
    [
        ({"a": 3, "b": 3}, {"a": 0.5, "b": 0.5}, {"a": 3, "b": 3}),
        ({"a": 6}, {"a": 0.5, "b": 0.5}, {"a": 3, "b": 3}),
        ({"a": 2, "b": 6}, {"a": 0.5, "b": 0.5}, {"a": 4, "b": 4}),
        ({"a": 4, "b": 5}, {"a": 0.5, "b": 0.5}, {"a": 4, "b": 5}),
        ({"a": 2, "b": 2, "gone": 2}, {"a": 0.5, "b": 0.5}, {"a": 3, "b": 3}),
    ],
)
def test_zones_lend_what_they_have_too_many(
    have: dict[str, int], shares: dict[str, float], expected: dict[str, int]
) -> None:
    assert Counter(zones_of(endpoints(**have), shares)) == expected


def test_where_there_is_no_safe_allocation() -> None:
    thirds = {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}
    with pytest.raises(NoHints, match=r"Insufficient number of endpoints \(2 endpoints, 3 zones\)"):
        zones_of(endpoints(a=2), thirds)
    with pytest.raises(NoHints, match=r"overload threshold \(4 endpoints, 3 zones\)"):
        zones_of(endpoints(a=4), thirds)
    nowhere = [{key: value for key, value in each.items() if key != "zone"} for each in endpoints(a=6)]
    with pytest.raises(NoHints, match="without zone"):
        zones_of(nowhere, thirds)


def test_only_ready_ones_get_hints() -> None:
    found = endpoints(a=2, b=2)
    found[0]["conditions"]["ready"] = False
    found += endpoints(c=1)
    said = [each.get("hints") for each in hinted(found, {"a": 0.5, "b": 0.5})]
    assert said[0] is None
    assert Counter(each["forZones"][0]["name"] for each in said if each) == {"a": 2, "b": 2}


async def say(cluster: Cluster, name: str, zone: str, ready: str = "True") -> None:
    await cluster.client.patch("nodes", name, {"metadata": {"labels": {ZONE: zone}}})
    conditions = [{"type": "Ready", "status": ready}]
    status = {"allocatable": {"cpu": "4"}, "capacity": {"cpu": "4"}, "conditions": conditions}
    await cluster.client.patch("nodes", name, {"status": status}, subresource="status")


async def test_slices_carry_them_while_it_is_safe(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("replicaset", "endpointslice", nodes=("n1", "n2"))
    for name, zone in (("n1", "a"), ("n2", "b")):
        await say(cluster, name, zone)
    body = workload("web", 4)
    body["spec"]["template"]["spec"].pop("nodeName")
    placed: dict[str, str] = {}
    cluster.kubelet.node = lambda pod: placed.setdefault(pod["metadata"]["name"], ("n1", "n2")[len(placed) % 2])
    await cluster.client.create("replicasets.apps", body)
    annotations = {"service.kubernetes.io/topology-mode": "Auto"}
    metadata = {"name": "web", "namespace": "default", "annotations": annotations}
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    await cluster.client.create("services", {"metadata": metadata, "spec": spec})
    await cluster.settle(3)

    async def hints() -> list[str]:
        (found,) = await cluster.all("endpointslices.discovery.k8s.io", label_selector="kubernetes.io/service-name=web")
        return sorted(e["hints"]["forZones"][0]["name"] for e in found["endpoints"] if "hints" in e)

    assert await hints() == ["a", "a", "b", "b"]
    assert ("TopologyAwareHintsEnabled", "Topology Aware Hints has been enabled, addressType: IPv4") in (
        await cluster.events("web")
    )
    await say(cluster, "n2", "b", ready="False")
    await cluster.settle(3)
    assert await hints() == []
    assert ("TopologyAwareHintsDisabled", "Nodes only ready in one zone, addressType: IPv4") in (
        await cluster.events("web")
    )
