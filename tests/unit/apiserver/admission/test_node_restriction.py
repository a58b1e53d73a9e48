"""What a node may read and write: its own, and what its pods need. With RBAC, the Node authorizer and NodeRestriction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.policy.user import AUTHENTICATED, User
from wherry.testing.apiserver import ADMIN, in_process_server
from wherry.testing.http import Answer, Api
from wherry.testing.manifests import PODS, pod

CORE = "/api/v1/namespaces/default"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
MERGE = {"content-type": "application/merge-patch+json"}


class Cluster:
    """Two nodes, `n1` with the pod `mine`, which needs some objects, and `n2` with the pod `other`."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def fill(self) -> None:
        for name in ("n1", "n2"):
            await self.api.create("/api/v1/nodes", {"metadata": {"name": name}})
        for kind in ("secrets", "configmaps"):
            for name in ("needed", "strange"):
                await self.api.create(f"{CORE}/{kind}", {"metadata": {"name": name}})
        mine = pod("mine", node="n1")
        mine["spec"]["volumes"] = [
            {"name": "s", "secret": {"secretName": "needed"}},
            {"name": "c", "projected": {"sources": [{"configMap": {"name": "needed"}}]}},
        ]
        mine["spec"]["serviceAccountName"] = "worker"
        await self.api.create(PODS, mine)
        await self.api.create(PODS, pod("other", node="n2"))

    async def node(self, method: str, target: str, body: Any = b"", *, name: str = "n1") -> Answer:
        self.api.user = User(f"system:node:{name}", ("system:nodes", AUTHENTICATED))
        try:
            return await self.api(method, target, body, MERGE if method == "PATCH" else None)
        finally:
            self.api.user = ADMIN


@pytest.fixture
async def cluster(clock: FakeClock) -> AsyncIterator[Cluster]:
    async with in_process_server(clock=clock, config=ServerConfig(rbac=True)) as server:
        made = Cluster(Api(server, clock))
        await made.fill()
        yield made


@pytest.mark.parametrize("kind", ["secrets", "configmaps"])
async def test_a_node_reads_only_what_its_pods_need(cluster: Cluster, kind: str) -> None:
    assert (await cluster.node("GET", f"{CORE}/{kind}/needed")).status == 200
    assert (await cluster.node("GET", f"{CORE}/{kind}?fieldSelector=metadata.name%3Dneeded")).status == 200
    strange = await cluster.node("GET", f"{CORE}/{kind}/strange")
    assert strange.message == (
        f'{kind} "strange" is forbidden: User "system:node:n1" cannot get resource "{kind}" in API group ""'
        " in the namespace \"default\": no relationship found between node 'n1' and this object"
    )
    assert (await cluster.node("GET", f"{CORE}/{kind}/needed", name="n2")).status == 403
    assert (await cluster.node("GET", f"{CORE}/{kind}")).status == 403
    assert (await cluster.node("GET", f"/api/v1/{kind}")).status == 403
    assert (await cluster.node("DELETE", f"{CORE}/{kind}/needed")).status == 403


async def test_what_a_pod_needs_is_out_of_reach_when_the_pod_has_gone(cluster: Cluster) -> None:
    assert (await cluster.node("GET", f"{CORE}/secrets/needed")).status == 200
    await cluster.api("DELETE", f"{PODS}/mine?gracePeriodSeconds=0")
    assert (await cluster.node("GET", f"{CORE}/secrets/needed")).status == 403


async def test_pods_are_listed_by_their_node_only(cluster: Cluster) -> None:
    mine = await cluster.node("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1")
    assert [each["metadata"]["name"] for each in mine.body["items"]] == ["mine"]
    assert (await cluster.node("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn2")).status == 403
    assert (await cluster.node("GET", "/api/v1/pods")).status == 403
    assert (await cluster.node("GET", f"{PODS}/mine")).status == 200
    assert (await cluster.node("GET", f"{PODS}/other")).status == 403


async def test_a_node_writes_the_status_of_its_own_pods_and_nothing_else_of_them(cluster: Cluster) -> None:
    running = {"status": {"phase": "Running"}}
    assert (await cluster.node("PATCH", f"{PODS}/mine/status", running)).status == 200
    assert (await cluster.node("PATCH", f"{PODS}/other/status", running)).message == (
        'pods "other" is forbidden: node "n1" can only update pod status for pods with spec.nodeName set to itself'
    )
    labelled = await cluster.node("PATCH", f"{PODS}/mine/status", {"metadata": {"labels": {"a": "b"}}})
    assert labelled.message == 'pods "mine" is forbidden: node "n1" cannot update labels through pod status'
    assert (await cluster.node("PATCH", f"{PODS}/mine", {"metadata": {"labels": {"a": "b"}}})).status == 403
    assert (await cluster.node("DELETE", f"{PODS}/other")).message == (
        'pods "other" is forbidden: node "n1" can only delete pods with spec.nodeName set to itself'
    )
    assert (await cluster.node("DELETE", f"{PODS}/mine?gracePeriodSeconds=0")).status == 200


async def test_pods_that_a_node_makes_are_mirrors_that_need_nothing(cluster: Cluster) -> None:
    plain = await cluster.node("POST", PODS, pod("x", node="n1"))
    assert 'pod does not have "kubernetes.io/config.mirror" annotation' in plain.message
    uid = (await cluster.api("GET", "/api/v1/nodes/n1")).body["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": uid, "controller": True}
    mirror = pod("x", node="n1", annotations={"kubernetes.io/config.mirror": "h"}, ownerReferences=[owner])
    mirror["spec"]["volumes"] = [{"name": "s", "secret": {"secretName": "strange"}}]
    assert "can not create pods that reference secrets" in (await cluster.node("POST", PODS, mirror)).message
    del mirror["spec"]["volumes"]
    assert (await cluster.node("POST", PODS, mirror)).status == 201


async def test_a_node_changes_itself_but_neither_others_nor_its_taints_or_roles(cluster: Cluster) -> None:
    nodes = "/api/v1/nodes"
    assert (await cluster.node("GET", f"{nodes}/n1")).status == 200
    assert (await cluster.node("GET", f"{nodes}/n2")).status == 403
    assert (await cluster.node("GET", nodes)).status == 403
    zone = {"metadata": {"labels": {"topology.kubernetes.io/zone": "z", "example.com/own": "x"}}}
    assert (await cluster.node("PATCH", f"{nodes}/n1", zone)).status == 200
    assert (await cluster.node("PATCH", f"{nodes}/n2/status", {"status": {}})).message == (
        'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"'
    )
    role = {"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}}
    assert (await cluster.node("PATCH", f"{nodes}/n1", role)).message == (
        'nodes "n1" is forbidden: is not allowed to modify labels: node-role.kubernetes.io/control-plane'
    )
    untaint = await cluster.node("PATCH", f"{nodes}/n1", {"spec": {"taints": None}})
    assert untaint.message == 'nodes "n1" is forbidden: node "n1" is not allowed to modify taints'
    assert (await cluster.node("POST", nodes, {"metadata": {"name": "n3"}})).status == 403
    assert (await cluster.node("POST", nodes, {"metadata": {"name": "n3"}}, name="n3")).status == 201


async def test_a_node_keeps_its_own_lease_only(cluster: Cluster) -> None:
    lease = {"metadata": {"name": "n1"}, "spec": {"holderIdentity": "n1"}}
    assert (await cluster.node("POST", LEASES, lease)).status == 201
    assert (await cluster.node("GET", f"{LEASES}/n1")).status == 200
    assert (await cluster.node("GET", f"{LEASES}/n1", name="n2")).status == 403
    stolen = await cluster.node("POST", LEASES, {"metadata": {"name": "n2"}})
    assert "can only access node lease with the same name as the requesting node" in stolen.message
    elsewhere = await cluster.node("POST", LEASES.replace("kube-node-lease", "default"), lease)
    assert 'can only access leases in the "kube-node-lease" system namespace' in elsewhere.message


async def test_volumes_are_reached_through_the_claims_of_pods(cluster: Cluster) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeName": "v"}
    await cluster.api.create(f"{CORE}/persistentvolumeclaims", {"metadata": {"name": "c"}, "spec": spec})
    volume = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "1Gi"},
        "claimRef": {"namespace": "default", "name": "c"},
        "csi": {"driver": "d", "volumeHandle": "h", "nodeStageSecretRef": {"name": "strange", "namespace": "default"}},
    }
    await cluster.api.create("/api/v1/persistentvolumes", {"metadata": {"name": "v"}, "spec": volume})
    targets = (f"{CORE}/persistentvolumeclaims/c", "/api/v1/persistentvolumes/v", f"{CORE}/secrets/strange")
    assert [(await cluster.node("GET", target)).status for target in targets] == [403, 403, 403]
    user = pod("user", node="n1")
    user["spec"]["volumes"] = [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]
    await cluster.api.create(PODS, user)
    assert [(await cluster.node("GET", target)).status for target in targets] == [200, 200, 200]


async def test_tokens_are_for_the_pods_of_the_node(cluster: Cluster) -> None:
    await cluster.api.create(f"{CORE}/serviceaccounts", {"metadata": {"name": "worker"}})
    token = f"{CORE}/serviceaccounts/worker/token"
    assert (await cluster.node("POST", token, {"spec": {}}, name="n2")).status == 403
    # Without a key the server gives no tokens: that it says so means that it was allowed.
    assert (await cluster.node("POST", token, {"spec": {}})).status == 503


async def test_what_all_nodes_may_they_still_may(cluster: Cluster) -> None:
    assert (await cluster.node("GET", "/api/v1/services")).status == 200
    event = {"metadata": {"name": "e"}, "involvedObject": {"namespace": "default"}}
    assert (await cluster.node("POST", f"{CORE}/events", event)).status == 201
    assert (await cluster.node("GET", "/apis/apps/v1/deployments")).status == 403


async def test_a_node_evicts_only_its_own_pods(cluster: Cluster) -> None:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {}}
    refused = await cluster.node("POST", f"{PODS}/other/eviction", eviction)
    assert refused.message == 'pods "other" is forbidden: node n1 can only evict pods with spec.nodeName set to itself'
    assert (await cluster.node("POST", f"{PODS}/mine/eviction", eviction)).status == 201
