"""The official Python client (`kubernetes`): its usual work, against an API server as a cluster serves it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.config.incluster_config import InClusterConfigLoader
from kubernetes.dynamic import exceptions as dynamic_errors
from kubernetes.informer import SharedInformer
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock

from wherry.testing import Cluster

from ..conftest import eventually
from .conftest import config_map, crontab, deployment

pytestmark = pytest.mark.e2e

APPLY = {"_content_type": "application/apply-patch+yaml"}


@pytest.fixture
def api(plane: Cluster) -> Iterator[client.ApiClient]:
    """Logged in with the client certificate of the kubeconfig."""
    with config.new_client_from_config(str(plane.kubeconfig)) as made:
        yield made


@pytest.fixture
def core(api: client.ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(api)


@pytest.fixture
def apps(api: client.ApiClient) -> client.AppsV1Api:
    return client.AppsV1Api(api)


def test_objects_are_made_read_changed_and_deleted(core: client.CoreV1Api, namespace: str) -> None:
    wanted = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="settings", labels={"a": "b"}), data={"x": "1"})
    made = core.create_namespaced_config_map(namespace, wanted)
    assert isinstance(made.metadata.creation_timestamp, datetime)
    assert made.metadata.uid
    made.data["x"] = "2"
    replaced = core.replace_namespaced_config_map("settings", namespace, made)
    assert replaced.data == {"x": "2"}
    with pytest.raises(ApiException) as stale:
        core.replace_namespaced_config_map("settings", namespace, made)
    assert (stale.value.status, stale.value.reason) == (409, "Conflict")
    with pytest.raises(ApiException) as twice:
        core.create_namespaced_config_map(namespace, wanted)
    assert '"reason":"AlreadyExists"' in twice.value.body
    deleted = core.delete_namespaced_config_map("settings", namespace)
    assert (deleted["status"], deleted["details"]["name"]) == ("Success", "settings")
    with pytest.raises(ApiException) as gone:
        core.read_namespaced_config_map("settings", namespace)
    assert gone.value.status == 404


def test_patches_of_every_type(core: client.CoreV1Api, apps: client.AppsV1Api, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment("web", namespace))
    container = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:1"}]}}}}
    merged = apps.patch_namespaced_deployment("web", namespace, container)
    assert [c.name for c in merged.spec.template.spec.containers] == ["side", "web"]
    operations = [{"op": "replace", "path": "/spec/replicas", "value": 5}]
    assert apps.patch_namespaced_deployment("web", namespace, operations).spec.replicas == 5
    plain = apps.patch_namespaced_deployment(
        "web", namespace, {"metadata": {"labels": {"app": None}}}, _content_type="application/merge-patch+json"
    )
    assert not plain.metadata.labels
    applied = core.patch_namespaced_config_map("new", namespace, config_map("new", x="1"), field_manager="one", **APPLY)
    assert applied.metadata.managed_fields[0].operation == "Apply"
    with pytest.raises(ApiException) as conflict:
        core.patch_namespaced_config_map("new", namespace, config_map("new", x="2"), field_manager="two", **APPLY)
    assert conflict.value.status == 409
    assert 'conflict with \\"one\\"' in conflict.value.body
    forced = core.patch_namespaced_config_map(
        "new", namespace, config_map("new", x="2"), field_manager="two", force=True, **APPLY
    )
    assert forced.data == {"x": "2"}


def test_lists_are_paged_and_selected(core: client.CoreV1Api, namespace: str) -> None:
    for number in range(7):
        labels = {"parity": "odd" if number % 2 else "even"}
        core.create_namespaced_secret(
            namespace, {"metadata": {"name": f"s{number}", "labels": labels}, "stringData": {"n": str(number)}}
        )
    pages, token = [], None
    while token != "":
        page = core.list_namespaced_secret(namespace, limit=3, _continue=token)
        pages.append([each.metadata.name for each in page.items])
        token = page.metadata._continue or ""
    assert pages == [["s0", "s1", "s2"], ["s3", "s4", "s5"], ["s6"]]
    odd = core.list_namespaced_secret(namespace, label_selector="parity in (odd),!other")
    assert [each.metadata.name for each in odd.items] == ["s1", "s3", "s5"]
    one = core.list_secret_for_all_namespaces(field_selector=f"metadata.name=s4,metadata.namespace={namespace}")
    assert [each.data for each in one.items] == [{"n": "NA=="}]
    core.delete_collection_namespaced_secret(namespace, label_selector="parity=odd")
    assert len(core.list_namespaced_secret(namespace).items) == 4


def test_a_watch_goes_on_where_it_stopped(core: client.CoreV1Api, namespace: str) -> None:
    start = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.create_namespaced_config_map(namespace, config_map("one"))
    core.patch_namespaced_config_map("one", namespace, {"data": {"a": "b"}})
    stream = watch.Watch()
    seen = []
    for event in stream.stream(core.list_namespaced_config_map, namespace, resource_version=start, timeout_seconds=30):
        seen.append((event["type"], event["object"].metadata.name))
        if len(seen) == 2:
            break
    core.delete_namespaced_config_map("one", namespace)
    again = watch.Watch()
    for event in again.stream(
        core.list_namespaced_config_map, namespace, resource_version=stream.resource_version, timeout_seconds=30
    ):
        seen.append((event["type"], event["object"].metadata.name))
        break
    assert seen == [("ADDED", "one"), ("MODIFIED", "one"), ("DELETED", "one")]


def test_a_watch_goes_on_when_its_connection_is_lost(core: client.CoreV1Api, plane: Cluster, namespace: str) -> None:
    seen = []
    for event in watch.Watch().stream(core.list_namespaced_config_map, namespace):
        seen.append(event["object"].metadata.name)
        if seen == ["kube-root-ca.crt"]:
            assert plane.faults.drop_watches("configmaps") >= 1
            core.create_namespaced_config_map(namespace, config_map("late"))
        if seen[-1] == "late":
            break
    assert seen == ["kube-root-ca.crt", "late"]


def test_an_informer_follows(core: client.CoreV1Api, namespace: str) -> None:
    deleted = threading.Event()
    informer = SharedInformer(core.list_namespaced_config_map, namespace=namespace, label_selector="watched=yes")
    informer.add_event_handler("DELETED", lambda _: deleted.set())
    informer.start()
    try:
        labelled = {**config_map("seen", a="1"), "metadata": {"name": "seen", "labels": {"watched": "yes"}}}
        core.create_namespaced_config_map(namespace, config_map("unseen"))
        core.create_namespaced_config_map(namespace, labelled)
        eventually(lambda: informer.cache.get_by_key(f"{namespace}/seen"))
        assert [each.metadata.name for each in informer.cache.list()] == ["seen"]
        core.patch_namespaced_config_map("seen", namespace, {"metadata": {"labels": {"watched": "no"}}})
        assert deleted.wait(20)
    finally:
        informer.stop()


def test_deployments_scale_and_roll(apps: client.AppsV1Api, core: client.CoreV1Api, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment("web", namespace))
    read: Callable[[], Any] = lambda: apps.read_namespaced_deployment_status("web", namespace)
    eventually(lambda: read().status.ready_replicas == 2)
    scale = apps.read_namespaced_deployment_scale("web", namespace)
    assert (scale.spec.replicas, scale.status.selector) == (2, "app=web")
    scale.spec.replicas = 3
    apps.replace_namespaced_deployment_scale("web", namespace, scale)
    eventually(lambda: read().status.ready_replicas == 3)
    stamp = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat()}
    apps.patch_namespaced_deployment(
        "web", namespace, {"spec": {"template": {"metadata": {"annotations": stamp}}}}, field_manager="kubectl-rollout"
    )
    eventually(lambda: (s := read().status).updated_replicas == s.replicas == s.ready_replicas == 3)
    assert len(apps.list_namespaced_replica_set(namespace, label_selector="app=web").items) == 2
    eventually(lambda: len(core.list_namespaced_pod(namespace).items) == 3)  # those of before are gone
    pod = core.list_namespaced_pod(namespace, label_selector="app=web").items[0]
    assert "pretends" in core.read_namespaced_pod_log(pod.metadata.name, namespace)


def test_evictions_ask_the_budget(api: client.ApiClient, core: client.CoreV1Api, namespace: str) -> None:
    client.AppsV1Api(api).create_namespaced_deployment(namespace, deployment("web", namespace))
    budget = {"metadata": {"name": "web"}, "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}}
    policy = client.PolicyV1Api(api)
    policy.create_namespaced_pod_disruption_budget(namespace, budget)
    eventually(lambda: policy.read_namespaced_pod_disruption_budget("web", namespace).status.current_healthy == 2)
    name = core.list_namespaced_pod(namespace).items[0].metadata.name
    eviction = client.V1Eviction(metadata=client.V1ObjectMeta(name=name))
    with pytest.raises(ApiException) as refused:
        core.create_namespaced_pod_eviction(name, namespace, eviction)
    assert refused.value.status == 429
    assert "Cannot evict pod as it would violate the pod's disruption budget." in refused.value.body
    policy.patch_namespaced_pod_disruption_budget("web", namespace, {"spec": {"minAvailable": 1}})
    eventually(lambda: policy.read_namespaced_pod_disruption_budget("web", namespace).status.disruptions_allowed == 1)
    core.create_namespaced_pod_eviction(name, namespace, eviction)
    eventually(lambda: name not in {each.metadata.name for each in core.list_namespaced_pod(namespace).items})


def test_custom_objects(api: client.ApiClient, namespace: str) -> None:
    custom = client.CustomObjectsApi(api)
    where = {"group": "stable.example.com", "version": "v1", "namespace": namespace, "plural": "crontabs"}
    made = custom.create_namespaced_custom_object(**where, body=crontab("tab"))
    assert made["spec"] == {"cron": "* * * * *", "replicas": 1}
    custom.patch_namespaced_custom_object_status(**where, name="tab", body={"status": {"phase": "Busy"}})
    custom.patch_namespaced_custom_object_scale(**where, name="tab", body={"spec": {"replicas": 4}})
    found = custom.list_namespaced_custom_object(**where)["items"][0]
    assert (found["spec"]["replicas"], found["status"]) == (4, {"phase": "Busy"})
    with pytest.raises(ApiException) as refused:
        custom.create_namespaced_custom_object(**where, body=crontab("bad", cron="often"))
    assert refused.value.status == 422
    assert "spec.cron in body should match" in refused.value.body


def test_definitions_of_custom_resources(api: client.ApiClient, plane: Cluster) -> None:
    extensions = client.ApiextensionsV1Api(api)
    definition = extensions.read_custom_resource_definition("crontabs.stable.example.com")
    assert definition.status.accepted_names.kind == "CronTab"
    described = definition.spec.versions[0].schema.open_apiv3_schema.properties["spec"]
    assert described.properties["replicas"].default == 1
    definition.spec.names.categories = ["all"]
    extensions.replace_custom_resource_definition("crontabs.stable.example.com", definition)


def test_the_dynamic_client_discovers_and_works(api: client.ApiClient, namespace: str, tmp_path: Path) -> None:
    dynamically = dynamic.DynamicClient(api, cache_file=str(tmp_path / "discovery"))
    tabs = dynamically.resources.get(api_version="stable.example.com/v1", kind="CronTab")
    assert (tabs.name, tabs.namespaced, tabs.short_names) == ("crontabs", True, ["ct"])
    tabs.create(body=crontab("tab", selector="a=b"), namespace=namespace)
    applied = tabs.server_side_apply(
        body=crontab("tab", replicas=3), namespace=namespace, field_manager="tests", force_conflicts=True
    )
    assert (applied.spec.replicas, applied.spec.selector) == (3, "a=b")
    tabs.status.patch(
        body={"status": {"ok": True}}, name="tab", namespace=namespace, content_type="application/merge-patch+json"
    )
    assert tabs.get(name="tab", namespace=namespace).status.ok is True
    for event in tabs.watch(namespace=namespace, timeout=20):
        assert (event["type"], event["raw_object"]["metadata"]["name"]) == ("ADDED", "tab")
        break
    with pytest.raises(dynamic_errors.NotFoundError):
        tabs.get(name="other", namespace=namespace)
    deployments = dynamically.resources.get(api_version="apps/v1", kind="Deployment")
    assert set(deployments.subresources) == {"scale", "status"}
    listed = dynamically.resources.get(api_version="v1", kind="ConfigMap").get(namespace=namespace)
    assert [each.metadata.name for each in listed.items] == ["kube-root-ca.crt"]


def test_utils_create_from_yaml(api: client.ApiClient, core: client.CoreV1Api, namespace: str, tmp_path: Path) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    path = tmp_path / "all.yaml"
    path.write_text(yaml.safe_dump_all([deployment("web", namespace), service]))
    utils.create_from_yaml(api, str(path), namespace=namespace)
    assert core.read_namespaced_service("web", namespace).spec.cluster_ip
    with pytest.raises(utils.FailToCreateError, match="already exists"):
        utils.create_from_yaml(api, str(path), namespace=namespace)


def test_one_of_two_candidates_leads(core: client.CoreV1Api, plane: Cluster, namespace: str) -> None:
    config.load_kube_config(str(plane.kubeconfig))
    led: list[str] = []

    def candidate(name: str) -> leaderelection.LeaderElection:
        settings = electionconfig.Config(
            LeaseLock("leader", namespace, name), 17, 15, 5, onstarted_leading=lambda: led.append(name), onstopped_leading=None
        )  # fmt: skip
        return leaderelection.LeaderElection(settings)

    first, second = candidate("first"), candidate("second")
    assert first.try_acquire_or_renew() is True
    assert second.try_acquire_or_renew() is False
    assert first.try_acquire_or_renew() is True
    lease = client.CoordinationV1Api(core.api_client).read_namespaced_lease("leader", namespace)
    assert lease.spec.holder_identity == "first"
    client.CoordinationV1Api(core.api_client).delete_namespaced_lease("leader", namespace)
    assert second.try_acquire_or_renew() is True


def test_a_pods_own_configuration(plane: Cluster, service_account_files: Path) -> None:
    address, port = plane.url.removeprefix("https://").rsplit(":", 1)
    inside = client.Configuration()
    InClusterConfigLoader(
        token_filename=str(service_account_files / "token"),
        cert_filename=str(service_account_files / "ca.crt"),
        environ={"KUBERNETES_SERVICE_HOST": address, "KUBERNETES_SERVICE_PORT": port},
    ).load_and_set(inside)
    with client.ApiClient(inside) as api:
        who = client.AuthenticationV1Api(api).create_self_subject_review({}).status.user_info
        assert who.username == "system:serviceaccount:default:default"
        with pytest.raises(ApiException) as refused:
            client.CoreV1Api(api).list_namespaced_pod("default")
    assert refused.value.status == 403
    assert 'cannot list resource \\"pods\\" in API group \\"\\"' in refused.value.body


def test_a_token_in_a_kubeconfig(plane: Cluster) -> None:
    told = yaml.safe_load(plane.kubeconfig.read_text())
    told["users"] = [{"name": each["name"], "user": {"token": plane.token}} for each in told["users"]]
    with config.new_client_from_config_dict(told) as api:
        assert client.VersionApi(api).get_code().git_version == "v1.36.0"
        review = client.V1SelfSubjectAccessReview(
            spec=client.V1SelfSubjectAccessReviewSpec(
                resource_attributes=client.V1ResourceAttributes(verb="delete", resource="nodes")
            )
        )
        assert client.AuthorizationV1Api(api).create_self_subject_access_review(review).status.allowed
