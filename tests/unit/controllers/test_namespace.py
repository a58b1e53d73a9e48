"""Namespaces against the real API server."""

from __future__ import annotations

from wherry.controllers.context import Config
from wherry.controllers.namespace import Remains, next_conditions
from wherry.testing.controllers import Cluster, ClusterFactory, workload


async def make(cluster: Cluster, name: str = "doomed") -> None:
    await cluster.client.create("namespaces", {"metadata": {"name": name}})
    await cluster.settle()


async def test_everything_in_a_deleted_namespace_goes(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("namespace", "replicaset", "serviceaccount", "garbagecollector")
    await make(cluster)
    for resource in ("replicasets.apps",):
        body = workload("web")
        body["metadata"]["namespace"] = "doomed"
        await cluster.client.create(resource, body)
    await cluster.client.create("configmaps", {"metadata": {"name": "x", "namespace": "doomed"}})
    await cluster.settle()
    assert len(await cluster.all("pods", "doomed")) == 3
    await cluster.client.delete("namespaces", "doomed")
    await cluster.settle(5)
    assert not await cluster.exists("namespaces", "doomed")
    for resource in ("pods", "replicasets.apps", "configmaps", "serviceaccounts", "events"):
        assert await cluster.all(resource, "doomed") == []


async def test_what_remains_is_told_in_conditions(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("namespace")
    await make(cluster)
    held = {"name": "held", "namespace": "doomed", "finalizers": ["example.com/hold"]}
    await cluster.client.create("configmaps", {"metadata": held})
    await cluster.client.delete("namespaces", "doomed")
    await cluster.settle(3)
    namespace = await cluster.client.get("namespaces", "doomed")
    assert namespace["status"]["phase"] == "Terminating"
    true = {c["type"]: (c["reason"], c["message"]) for c in namespace["status"]["conditions"] if c["status"] == "True"}
    assert true == {
        "NamespaceContentRemaining": (
            "SomeResourcesRemain",
            "Some resources are remaining: configmaps. has 1 resource instances",
        ),
        "NamespaceFinalizersRemaining": (
            "SomeFinalizersRemain",
            "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
        ),
    }
    await cluster.client.patch("configmaps", "held", {"metadata": {"finalizers": None}}, namespace="doomed")
    await cluster.settle(10)
    assert not await cluster.exists("namespaces", "doomed")


async def test_pods_go_before_everything_else(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("namespace")
    await make(cluster)
    cluster.kubelet.removes = lambda pod: False
    pod = {**workload("web")["spec"]["template"], "metadata": {"name": "slow", "namespace": "doomed"}}
    await cluster.client.create("pods", pod)
    await cluster.client.create("configmaps", {"metadata": {"name": "x", "namespace": "doomed"}})
    await cluster.settle()
    await cluster.client.delete("namespaces", "doomed")
    await cluster.settle(5)
    assert await cluster.exists("configmaps", "x", "doomed")
    cluster.kubelet.removes = lambda pod: True
    cluster.kubelet.look_again()
    await cluster.settle(1)
    assert not await cluster.exists("namespaces", "doomed")


async def test_every_namespace_has_its_account_and_ca(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("serviceaccount", "root-ca-certificate-publisher", config=Config(root_ca="PEM"))
    await make(cluster, "new")
    assert await cluster.exists("serviceaccounts", "default", "new")
    assert (await cluster.get("configmaps", "kube-root-ca.crt", "new"))["data"] == {"ca.crt": "PEM"}
    assert await cluster.exists("serviceaccounts", "default", "kube-system")
    await cluster.client.delete("serviceaccounts", "default", namespace="new")
    await cluster.client.patch("configmaps", "kube-root-ca.crt", {"data": {"ca.crt": "mine"}}, namespace="new")
    await cluster.settle()
    assert await cluster.exists("serviceaccounts", "default", "new")
    assert (await cluster.get("configmaps", "kube-root-ca.crt", "new"))["data"] == {"ca.crt": "PEM"}


def test_conditions_keep_their_transition_time() -> None:
    first = next_conditions([], Remains(counts={"pods.": 2}), "t1")
    assert [c["type"] for c in first if c["status"] == "True"] == ["NamespaceContentRemaining"]
    second = next_conditions(first, Remains(counts={"pods.": 1}), "t2")
    found = {c["type"]: c for c in second}
    assert found["NamespaceContentRemaining"]["lastTransitionTime"] == "t1"
    assert "pods. has 1 resource instances" in found["NamespaceContentRemaining"]["message"]
    assert next_conditions(second, Remains(counts={"pods.": 1}), "t3") == second


async def test_a_group_that_cannot_be_asked_holds_the_namespace(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of("namespace")
    await make(cluster)
    spec = {"group": "sea.example.com", "version": "v1", "groupPriorityMinimum": 10, "versionPriority": 10}
    service = {"namespace": "default", "name": "none"}
    body = {"metadata": {"name": "v1.sea.example.com"}, "spec": {**spec, "service": service}}
    await cluster.client.create("apiservices.apiregistration.k8s.io", body)
    await cluster.settle()
    await cluster.client.delete("namespaces", "doomed")
    await cluster.settle(5)
    namespace = await cluster.client.get("namespaces", "doomed")
    found = {each["type"]: each for each in namespace["status"]["conditions"]}["NamespaceDeletionDiscoveryFailure"]
    assert (found["status"], found["reason"]) == ("True", "DiscoveryFailed")
    assert found["message"] == (
        "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: "
        "sea.example.com/v1: stale GroupVersion discovery: sea.example.com/v1"
    )
    await cluster.client.delete("apiservices.apiregistration.k8s.io", "v1.sea.example.com")
    await cluster.settle(120)
    assert not await cluster.exists("namespaces", "doomed")
