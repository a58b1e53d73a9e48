"""Nodes and the sums of their pods."""

from __future__ import annotations

import random

from wherry.scheduler.cache import Cache
from wherry.scheduler.framework.node_info import NodeInfo
from wherry.scheduler.framework.pod_info import PodInfo
from wherry.testing.plugins import cluster_of
from wherry.testing.scheduling import node, pod


def requested(cache: Cache, name: str = "n1") -> int:
    info = cache.node(name)
    assert info is not None
    return info.requested.get("cpu", 0)


def test_an_assumed_pod_counts_at_once_and_only_once():
    cache = cluster_of([node("n1")])
    cache.assume(PodInfo(pod("p", cpu="1")), "n1")
    assert requested(cache) == 1000
    assert cache.is_assumed("default/p")
    cache.set_pod(pod("p", cpu="1", node_name="n1"))
    assert requested(cache) == 1000
    assert not cache.is_assumed("default/p")
    cache.forget("default/p")
    assert requested(cache) == 1000


def test_forgetting_gives_the_place_back():
    cache = cluster_of([node("n1")])
    cache.assume(PodInfo(pod("p", cpu="1")), "n1")
    cache.forget("default/p")
    assert requested(cache) == 0


def test_somebody_else_has_bound_the_pod_elsewhere():
    cache = cluster_of([node("n1"), node("n2")])
    cache.assume(PodInfo(pod("p", cpu="1")), "n1")
    cache.set_pod(pod("p", cpu="1", node_name="n2"))
    assert (requested(cache, "n1"), requested(cache, "n2")) == (0, 1000)


def test_pods_of_nodes_that_are_not_known_yet():
    cache = cluster_of([], [pod("p", cpu="1", node_name="n1")])
    assert cache.nodes() == []
    cache.set_node(node("n1"))
    assert requested(cache) == 1000
    cache.remove_node("n1")
    assert cache.node("n1") is None
    cache.set_node(node("n1"))
    assert requested(cache) == 1000


def test_zones_take_turns():
    zone = "topology.kubernetes.io/zone"
    cache = cluster_of([node(f"{z}{i}", labels={zone: z}) for z, count in (("a", 3), ("b", 1)) for i in range(count)])
    assert [each.name for each in cache.nodes()] == ["a0", "b0", "a1", "a2"]
    cache.set_node(node("b1", labels={zone: "b"}))
    assert [each.name for each in cache.nodes()] == ["a0", "b0", "a1", "b1", "a2"]


def test_how_many_nodes_have_an_image():
    with_image = node("n1")
    with_image["status"]["images"] = [{"names": ["a:1"], "sizeBytes": 5}]
    cache = cluster_of([with_image])
    assert cache.image_spread("a:1") == 1
    cache.set_node(node("n1"))
    assert cache.image_spread("a:1") == 0
    cache.set_node(with_image)
    cache.remove_node("n1")
    assert cache.image_spread("a:1") == 0


def test_sums_stay_true_over_any_history():
    """Random changes; afterwards every node is as if made anew from its pods."""
    rng = random.Random(7)
    cache = cluster_of([node(f"n{i}") for i in range(3)])
    far = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "t"}]}}
    for _ in range(2000):
        made = pod(f"p{rng.randrange(20)}", cpu=f"{rng.randrange(5)}", affinity=rng.choice([None, far]))
        uid, target = made["metadata"]["uid"], f"n{rng.randrange(4)}"
        made["spec"]["containers"][0]["ports"] = [{"hostPort": rng.randrange(1, 4)}]
        match rng.randrange(4):
            case 0 if not cache.holds(uid):
                cache.assume(PodInfo(made), target)
            case 1:
                made["spec"]["nodeName"] = target
                cache.set_pod(made)
            case 2:
                cache.forget(uid)
            case 3:
                cache.remove_pod(uid)
    for info in cache.nodes():
        fresh = NodeInfo(info.name)
        for each in info.pods.values():
            fresh.add_pod(each)
        assert {k: v for k, v in info.requested.items() if v} == fresh.requested
        assert {k: sorted(v) for k, v in info.ports.items()} == {k: sorted(v) for k, v in fresh.ports.items()}
        assert info.nonzero_cpu == fresh.nonzero_cpu
        assert info.anti_affinity_pods.keys() == fresh.anti_affinity_pods.keys()
        assert bool(info.anti_affinity_pods) is (info in cache.nodes_with_anti_affinity())
