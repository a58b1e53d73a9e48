"""lightkube with its models: typed objects, generic resources, server-side apply, the synchronous and the async client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from lightkube import ApiError, AsyncClient, Client, KubeConfig, codecs, operators
from lightkube.core.exceptions import ConditionError
from lightkube.generic_resource import get_generic_resource, load_in_cluster_generic_resources
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.models.policy_v1 import PodDisruptionBudgetSpec
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Node, Pod, Secret
from lightkube.resources.policy_v1 import PodDisruptionBudget
from lightkube.types import CascadeType, PatchType

from wherry.testing import Cluster

from .conftest import crontab, deployment

pytestmark = pytest.mark.e2e


@pytest.fixture
def client(plane: Cluster, namespace: str) -> Iterator[Client]:
    with Client(KubeConfig.from_file(str(plane.kubeconfig)).get(), namespace=namespace, field_manager="tests") as made:
        yield made


def settings(name: str = "settings", **data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name, labels={"a": "b"}), data=data)


def test_objects_are_made_read_changed_and_deleted(client: Client) -> None:
    made = client.create(settings(x="1"))
    assert made.metadata is not None and made.metadata.creationTimestamp is not None
    made.data = {"x": "2"}
    assert client.replace(made).data == {"x": "2"}
    with pytest.raises(ApiError, match="the object has been modified") as stale:
        client.replace(made)
    assert (stale.value.status.code, stale.value.status.reason) == (409, "Conflict")
    assert client.create(settings("tried"), dry_run=True).metadata.uid
    client.delete(ConfigMap, "settings", cascade=CascadeType.BACKGROUND)
    with pytest.raises(ApiError, match='configmaps "settings" not found'):
        client.get(ConfigMap, "settings")


def test_patches_of_every_type(client: Client) -> None:
    client.create(settings(x="1"))
    patched = client.patch(ConfigMap, "settings", settings(y="2"))
    assert patched.data == {"x": "1", "y": "2"}
    patched = client.patch(ConfigMap, "settings", {"data": {"x": None}}, patch_type=PatchType.MERGE)
    assert patched.data == {"y": "2"}
    added = [{"op": "add", "path": "/data/z", "value": "3"}]
    assert client.patch(ConfigMap, "settings", added, patch_type=PatchType.JSON).data == {"y": "2", "z": "3"}


def test_apply_owns_what_it_says(client: Client, namespace: str) -> None:
    first = ConfigMap(metadata=ObjectMeta(name="owned", namespace=namespace), data={"x": "1", "y": "1"})
    assert client.apply(first).data == {"x": "1", "y": "1"}
    first.data = {"x": "1"}
    assert client.apply(first).data == {"x": "1"}
    first.data = {"x": "2"}
    with pytest.raises(ApiError, match=r'conflict with "tests": \.data\.x') as conflict:
        client.apply(first, field_manager="other")
    assert conflict.value.status.code == 409
    assert [cause.reason for cause in conflict.value.status.details.causes] == ["FieldManagerConflict"]
    assert client.apply(first, field_manager="other", force=True).data == {"x": "2"}


def test_lists_are_chunked_and_selected(client: Client) -> None:
    for number in range(5):
        client.create(Secret(metadata=ObjectMeta(name=f"s{number}", labels={"n": str(number)}), stringData={"k": "v"}))
    listed = client.list(Secret, chunk_size=2)
    assert [each.metadata.name for each in listed] == ["s0", "s1", "s2", "s3", "s4"]
    assert listed.resourceVersion
    chosen = client.list(Secret, labels={"n": operators.in_(["1", "3"])})
    assert [each.metadata.name for each in chosen] == ["s1", "s3"]
    others = client.list(Secret, labels={"n": operators.exists()}, fields={"metadata.name": operators.not_equal("s1")})
    assert [each.metadata.name for each in others] == ["s0", "s2", "s3", "s4"]
    client.deletecollection(Secret)
    assert list(client.list(Secret)) == []


def test_a_watch_follows_from_a_version(client: Client) -> None:
    listed = client.list(ConfigMap)
    assert len(list(listed)) == 1
    start = listed.resourceVersion
    client.create(settings(x="1"))
    client.patch(ConfigMap, "settings", settings(x="2"))
    client.delete(ConfigMap, "settings")
    seen = []
    for what, thing in client.watch(ConfigMap, resource_version=start, server_timeout=20):
        seen.append((what, thing.data))
        if what == "DELETED":
            break
    assert seen == [("ADDED", {"x": "1"}), ("MODIFIED", {"x": "2"}), ("DELETED", {"x": "2"})]


def test_waits_for_conditions_and_scales(client: Client, namespace: str) -> None:
    client.create(Deployment.from_dict(deployment("web", namespace)))
    ready = client.wait(Deployment, "web", for_conditions=["Available"])
    assert ready.status.readyReplicas == 2
    scale = Deployment.Scale(metadata=ObjectMeta(name="web", namespace=namespace), spec=ScaleSpec(replicas=1))
    client.replace(scale, "web")
    assert client.get(Deployment.Scale, "web").spec.replicas == 1
    with pytest.raises(ConditionError):
        client.wait(Deployment, "web", for_conditions=["Never"], raise_for_conditions=["Available"])


def test_status_ephemeral_things_and_logs(client: Client, namespace: str) -> None:
    client.create(Pod.from_dict({"metadata": {"name": "one"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}))
    client.wait(Pod, "one", for_conditions=["Ready"])
    assert "pretends" in "".join(client.log("one"))
    client.create(PodDisruptionBudget(metadata=ObjectMeta(name="b"), spec=PodDisruptionBudgetSpec(minAvailable=1)))
    assert client.get(PodDisruptionBudget.Status, "b").metadata.name == "b"
    client.patch(Node, "node-1", {"spec": {"unschedulable": True}})
    assert client.get(Node, "node-1").spec.unschedulable is True
    client.patch(Node, "node-1", {"spec": {"unschedulable": None}}, patch_type=PatchType.MERGE)


def test_generic_resources_of_the_cluster(client: Client, namespace: str) -> None:
    load_in_cluster_generic_resources(client)
    tab_kind = get_generic_resource("stable.example.com/v1", "CronTab")
    tab = client.create(tab_kind(**crontab("tab")))
    assert tab.spec == {"cron": "* * * * *", "replicas": 1}
    tab["status"] = {"phase": "Busy"}
    assert client.replace(tab_kind.Status(tab), "tab").status == {"phase": "Busy"}
    assert client.get(tab_kind.Scale, "tab").spec.replicas == 1
    applied = client.apply(tab_kind(**crontab("tab", replicas=2)), namespace=namespace, force=True)
    assert applied.spec["replicas"] == 2
    assert [each.metadata.name for each in client.list(tab_kind)] == ["tab"]


def test_manifests_are_loaded_and_applied(client: Client, namespace: str, tmp_path: Path) -> None:
    text = codecs.dump_all_yaml([settings("one", a="1"), Deployment.from_dict(deployment("web", namespace))])
    for each in codecs.load_all_yaml(text):
        client.apply(each, namespace=namespace)
    assert client.get(Deployment, "web").spec.replicas == 2


async def test_the_async_client(plane: Cluster, namespace: str) -> None:
    async with AsyncClient(KubeConfig.from_file(str(plane.kubeconfig)).get(), namespace=namespace) as client:
        await client.create(settings(x="1"))
        names = [each.metadata.name async for each in client.list(ConfigMap, chunk_size=1)]
        assert names == ["kube-root-ca.crt", "settings"]

        async def first_named(name: str) -> str:
            async for what, thing in client.watch(ConfigMap):
                if thing.metadata.name == name:
                    return what
            return "ended"

        seen = asyncio.create_task(first_named("late"))
        await client.create(settings("late"))
        assert await asyncio.wait_for(seen, 20) == "ADDED"


def test_a_pods_own_configuration(plane: Cluster, service_account_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address, port = plane.url.removeprefix("https://").rsplit(":", 1)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", address)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    inside = KubeConfig.from_service_account(str(service_account_files))
    with Client(inside.get()) as client, pytest.raises(ApiError, match="pods is forbidden: User") as refused:
        list(client.list(Pod))
    assert refused.value.status.code == 403
