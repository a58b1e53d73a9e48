"""kr8s: discovery by name, objects, waits, watches, scale, nodes, custom resources; synchronous and async."""

from __future__ import annotations

import asyncio
from pathlib import Path

import kr8s
import kr8s.asyncio
import pytest
from kr8s.asyncio.objects import ConfigMap as AsyncConfigMap
from kr8s.objects import ConfigMap, Deployment, Node, Pod, Service, new_class, objects_from_files

from wherry.testing import Cluster

from ..conftest import eventually
from .conftest import config_map, crontab, deployment

pytestmark = [
    pytest.mark.e2e,
    # kr8s says so of every server that is newer than what it was released for.
    pytest.mark.filterwarnings("ignore:Kubernetes version .* is not supported:UserWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.usefixtures("garbage"),
]


@pytest.fixture
def api(plane: Cluster, namespace: str) -> kr8s.Api:
    return kr8s.api(kubeconfig=str(plane.kubeconfig), namespace=namespace)


def test_who_and_what_is_there(api: kr8s.Api) -> None:
    assert api.version()["gitVersion"] == "v1.36.0"
    assert api.whoami() == "kubernetes-admin"
    assert api.lookup_kind("deploy") == ("deployment.apps/v1", "deployments", True)
    assert api.lookup_kind("ct") == ("crontab.stable.example.com/v1", "crontabs", True)
    kinds = {each["kind"] for each in api.api_resources()}
    assert {"Pod", "Deployment", "CronTab", "Lease"} <= kinds
    assert {"v1", "apps/v1", "stable.example.com/v1"} <= set(api.api_versions())


def test_objects_are_made_read_changed_and_deleted(api: kr8s.Api) -> None:
    settings = ConfigMap(config_map("settings", x="1"), api=api)
    assert not settings.exists()
    settings.create()
    assert settings.exists()
    settings.patch({"data": {"y": "2"}})
    assert settings.data == {"x": "1", "y": "2"}
    settings.patch([{"op": "remove", "path": "/data/x"}], type="json")
    settings.label(tier="front", owner="me")
    settings.annotate(note="hello")
    settings.remove_label("owner")
    read = ConfigMap.get("settings", api=api)
    assert (read.data, read.labels, read.annotations) == ({"y": "2"}, {"tier": "front"}, {"note": "hello"})
    settings.delete()
    settings.wait("delete", timeout=20)
    with pytest.raises(kr8s.NotFoundError):
        settings.refresh()


def test_owners_and_their_dependents(api: kr8s.Api) -> None:
    owner, owned = (ConfigMap(config_map(name), api=api) for name in ("owner", "owned"))
    owner.create()
    owned.create()
    owner.adopt(owned)
    assert owned.metadata.ownerReferences[0].name == "owner"
    owner.delete()
    owned.wait("delete", timeout=20)


def test_lists_are_selected(api: kr8s.Api, namespace: str) -> None:
    for number in range(3):
        labelled = {**config_map(f"c{number}"), "metadata": {"name": f"c{number}", "labels": {"n": str(number)}}}
        ConfigMap(labelled, api=api).create()
    assert [each.name for each in api.get("configmaps", label_selector={"n": "1"})] == ["c1"]
    assert {each.name for each in api.get("cm", label_selector="n in (0,2)")} == {"c0", "c2"}
    found = api.get("configmaps", namespace=kr8s.ALL, field_selector={"metadata.name": "c2"})
    assert [(each.namespace, each.name) for each in found] == [(namespace, "c2")]
    table = list(api.get("configmaps", as_object=kr8s.objects.Table))
    assert [row["cells"][0] for row in table[0].rows] == ["c0", "c1", "c2", "kube-root-ca.crt"]


def test_deployments_become_ready_and_scale(api: kr8s.Api, namespace: str) -> None:
    web = Deployment(deployment("web", namespace), api=api)
    web.create()
    web.wait("condition=Available", timeout=20)
    web.scale(3)
    web.wait("jsonpath='{.status.readyReplicas}'=3", timeout=20)
    pods = web.pods()
    assert len(pods) == 3
    assert all(pod.ready() for pod in pods)
    assert "pretends" in "".join(pods[0].logs())
    service = Service(
        {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}, api=api
    )
    service.create()
    eventually(lambda: len(list(service.ready_pods())) == 3)


def test_nodes_are_cordoned_and_tainted(api: kr8s.Api) -> None:
    node = Node.get("node-1", api=api)
    node.cordon()
    assert node.unschedulable
    node.uncordon()
    node.taint("busy", "yes", effect="PreferNoSchedule")
    assert {"key": "busy", "value": "yes", "effect": "PreferNoSchedule"} in [dict(each) for each in node.taints]
    node.patch({"spec": {"taints": None}})
    assert not node.taints


def test_custom_resources(api: kr8s.Api) -> None:
    kind = new_class(kind="CronTab", version="stable.example.com/v1", namespaced=True, scalable=True)
    tab = kind(crontab("tab"), api=api)
    tab.create()
    assert tab.spec.replicas == 1
    tab.scale(3)
    tab.patch({"status": {"phase": "Busy"}}, subresource="status")
    tab.refresh()
    assert (tab.spec.replicas, tab.status.phase) == (3, "Busy")
    assert [each.name for each in api.get("crontabs.stable.example.com")] == ["tab"]
    with pytest.raises(kr8s.ServerError, match=r"spec\.cron"):
        kind(crontab("bad", cron="often"), api=api).create()


def test_generated_pods_from_files(api: kr8s.Api, tmp_path: Path) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text(Pod.gen(name="made", image="nginx", ports=[80]).to_yaml())
    [pod] = objects_from_files(str(path), api=api)
    pod.create()
    pod.wait("condition=Ready", timeout=20)
    assert pod.status.phase == "Running"


def test_a_pods_own_configuration(plane: Cluster, service_account_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address, port = plane.url.removeprefix("https://").rsplit(":", 1)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", address)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    inside = kr8s.api(kubeconfig="/nowhere", serviceaccount=str(service_account_files))
    with pytest.raises(kr8s.ServerError, match=r"pods is forbidden: User .*system:serviceaccount:default:default"):
        list(inside.get("pods"))


async def test_async_watches_see_what_happens(plane: Cluster, namespace: str) -> None:
    api = await kr8s.asyncio.api(kubeconfig=str(plane.kubeconfig), namespace=namespace)

    one = await AsyncConfigMap(config_map("one"), api=api)
    await one.create()
    seen = []
    async with asyncio.timeout(30):
        async for what, _ in api.watch("configmaps", namespace=namespace, field_selector="metadata.name=one"):
            seen.append(what)
            if what == "ADDED":
                await one.patch({"data": {"a": "b"}})
            elif what == "MODIFIED":
                await one.delete()
            else:
                break
    assert seen == ["ADDED", "MODIFIED", "DELETED"]
