"""Claims for pods' own volumes."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.testing.controllers import ClusterFactory, template
from wherry.testing.storage import claim

CLAIMS = "persistentvolumeclaims"
CONTROLLERS = ("ephemeral-volume", "garbagecollector", "pvc-protection")


def pod(name: str = "p") -> Object:
    asked = {"metadata": {"labels": {"of": name}}, "spec": claim()["spec"]}
    volume = {"name": "scratch", "ephemeral": {"volumeClaimTemplate": asked}}
    base = template({})
    metadata = {"name": name, "namespace": "default"}
    return {**base, "metadata": metadata, "spec": {**base["spec"], "volumes": [volume]}}


async def test_a_claim_comes_and_goes_with_its_pod(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of(*CONTROLLERS)
    await cluster.client.create("pods", pod())
    await cluster.settle()
    made = await cluster.get(CLAIMS, "p-scratch")
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Pod", "p", True)
    assert made["metadata"]["labels"] == {"of": "p"}
    await cluster.client.delete("pods", "p", namespace="default")
    await cluster.settle(5)
    assert not await cluster.exists(CLAIMS, "p-scratch")


async def test_a_claim_of_that_name_that_is_somebody_elses(cluster_of: ClusterFactory) -> None:
    cluster = await cluster_of(*CONTROLLERS)
    await cluster.client.create(CLAIMS, claim("p-scratch"))
    await cluster.client.create("pods", pod())
    await cluster.settle()
    text = "ephemeral volume scratch: PVC default/p-scratch was not created for pod default/p (pod is not owner)"
    assert ("FailedBinding", text) in await cluster.events("p")
    await cluster.client.delete(CLAIMS, "p-scratch", namespace="default")
    await cluster.settle(15)
    assert (await cluster.get(CLAIMS, "p-scratch"))["metadata"]["ownerReferences"]
