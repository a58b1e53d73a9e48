"""What Helm 3 and 4 ask an API server, request by request: install, upgrade with --wait, rollback, uninstall, dry run.

Source: helm.sh/helm pkg/kube/client.go, pkg/storage/driver/secrets.go; k8s.io/client-go/util/csaupgrade.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from wherry.testing.http import Answer, Api

NAMESPACE = "/api/v1/namespaces/default"
SECRETS = f"{NAMESPACE}/secrets"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)
STRATEGIC = {"content-type": "application/strategic-merge-patch+json"}
APPLY = {"content-type": "application/apply-patch+yaml"}
MARKS = {"app.kubernetes.io/managed-by": "Helm"}


def chart(*, image: str = "web:1", replicas: int = 2, env: str = "") -> dict[str, Any]:
    labels = {"app": "web"}
    container: dict[str, Any] = {"name": "web", "image": image, "ports": [{"containerPort": 80, "name": "http"}]}
    if env:
        container["env"] = [{"name": "MODE", "value": env}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "default",
            "labels": MARKS,
            "annotations": {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "default"},
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def release(version: int, status: str) -> dict[str, Any]:
    """A release as Helm stores it: compressed, encoded, and encoded again for the Secret."""
    body = base64.b64encode(gzip.compress(orjson.dumps({"name": "shop", "version": version})))
    labels = {"name": "shop", "owner": "helm", "status": status, "version": str(version)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"sh.helm.release.v1.shop.v{version}", "labels": labels},
        "type": "helm.sh/release.v1",
        "data": {"release": base64.b64encode(body).decode()},
    }


async def releases(api: Api, selector: str) -> list[str]:
    found = await api("GET", f"{SECRETS}?labelSelector={selector}&limit=500")
    assert found.status == 200
    return [each["metadata"]["labels"]["version"] for each in found.body["items"]]


async def applied(api: Api, body: Mapping[str, Any], **query: str) -> Answer:
    options = "&".join(f"{key}={value}" for key, value in {"fieldManager": "helm", "force": "false", **query}.items())
    return await api("PATCH", f"{DEPLOYMENTS}/web?{options}", body, APPLY)


async def test_what_is_discovered_before_anything_is_sent(api: Api) -> None:
    assert (await api("GET", "/version")).body["gitVersion"].startswith("v1.36")
    groups = await api("GET", "/apis", headers={"accept": AGGREGATED})
    assert groups.content_type == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    [apps] = [each for each in groups.body["items"] if each["metadata"]["name"] == "apps"]
    kinds = {each["responseKind"]["kind"] for version in apps["versions"] for each in version["resources"]}
    assert "Deployment" in kinds
    assert (
        await api("GET", "/apis", headers={"accept": AGGREGATED, "if-none-match": groups.headers["ETag"]})
    ).status == 304


async def test_the_schema_says_that_the_server_validates_fields(api: Api) -> None:
    paths = (await api("GET", "/openapi/v3")).body["paths"]
    document = (await api("GET", paths["apis/apps/v1"]["serverRelativeURL"])).body
    operation = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert "fieldValidation" in {each.get("name") for each in operation["parameters"]}
    assert {"group": "apps", "version": "v1", "kind": "Deployment"} in operation_kinds(operation)


def operation_kinds(operation: Mapping[str, Any]) -> list[dict[str, str]]:
    return [operation["x-kubernetes-group-version-kind"]]


async def test_install_and_the_release_that_remembers_it(api: Api) -> None:
    assert await releases(api, "name=shop,owner=helm") == []
    assert (await api("GET", f"{DEPLOYMENTS}/web")).reason == "NotFound"
    pending = await api.create(SECRETS, release(1, "pending-install"))
    made = await api.create(f"{DEPLOYMENTS}?fieldManager=helm", chart())
    assert [each["manager"] for each in made["metadata"]["managedFields"]] == ["helm"]
    pending["metadata"]["labels"]["status"] = "deployed"
    del pending["metadata"]["resourceVersion"]
    deployed = await api("PUT", f"{SECRETS}/{pending['metadata']['name']}", pending)
    assert deployed.status == 200
    assert await releases(api, "name=shop,owner=helm,status=deployed") == ["1"]
    assert await releases(api, "owner=helm,status+in+(failed,pending-install)") == []
    body = deployed.body["data"]["release"]
    assert orjson.loads(gzip.decompress(base64.b64decode(base64.b64decode(body))))["version"] == 1
    twice = await api("POST", SECRETS, release(1, "pending-install"))
    assert (twice.status, twice.reason) == (409, "AlreadyExists")


async def test_a_release_is_a_secret_of_at_most_a_megabyte(api: Api) -> None:
    large = release(1, "deployed")
    large["data"]["release"] = base64.b64encode(bytes(1024 * 1024 + 1)).decode()
    refused = await api("POST", SECRETS, large)
    assert refused.status == 422
    assert "data: Too long: may not be more than 1048576 bytes" in refused.message


async def test_an_upgrade_merges_three_ways_and_leaves_what_others_set(api: Api) -> None:
    await api.create(f"{DEPLOYMENTS}?fieldManager=helm", chart(env="old"))
    side = {"spec": {"template": {"spec": {"containers": [{"name": "proxy", "image": "proxy:1"}]}}}}
    await api("PATCH", f"{DEPLOYMENTS}/web?fieldManager=injector", side, STRATEGIC)
    patch = {
        "spec": {
            "template": {
                "spec": {
                    "$setElementOrder/containers": [{"name": "web"}],
                    "containers": [
                        {
                            "name": "web",
                            "image": "web:2",
                            "$setElementOrder/env": [],
                            "env": [{"name": "MODE", "$patch": "delete"}],
                        }
                    ],
                }
            }
        }
    }
    upgraded = await api("PATCH", f"{DEPLOYMENTS}/web?fieldManager=helm", patch, STRATEGIC)
    assert upgraded.status == 200
    containers = {each["name"]: each for each in upgraded.body["spec"]["template"]["spec"]["containers"]}
    assert containers["web"]["image"] == "web:2"
    assert not containers["web"].get("env")
    assert containers["proxy"]["image"] == "proxy:1"
    assert upgraded.body["metadata"]["generation"] == 3


async def test_waiting_looks_at_the_newest_replica_set_and_its_pods(api: Api) -> None:
    made = await api.create(DEPLOYMENTS, chart())
    sets = await api("GET", "/apis/apps/v1/namespaces/default/replicasets?labelSelector=app%3Dweb")
    pods = await api("GET", f"{NAMESPACE}/pods?labelSelector=app%3Dweb")
    assert (sets.body["kind"], sets.body["items"], pods.body["items"]) == ("ReplicaSetList", [], [])
    status = {
        "status": {
            "observedGeneration": 1,
            "replicas": 2,
            "updatedReplicas": 2,
            "readyReplicas": 2,
            "availableReplicas": 2,
        }
    }
    merge = {"content-type": "application/merge-patch+json"}
    assert (await api("PATCH", f"{DEPLOYMENTS}/web/status", status, merge)).status == 200
    read = (await api("GET", f"{DEPLOYMENTS}/web")).body
    assert read["status"]["observedGeneration"] == read["metadata"]["generation"] == made["metadata"]["generation"]


async def test_helm_4_applies_on_the_server_and_removes_by_omission(api: Api) -> None:
    assert (await applied(api, chart(env="old"))).status == 201
    done = await applied(api, chart(image="web:2"))
    assert done.status == 200
    assert "env" not in done.body["spec"]["template"]["spec"]["containers"][0]
    [manager] = done.body["metadata"]["managedFields"]
    assert (manager["manager"], manager["operation"]) == ("helm", "Apply")


async def test_helm_4_is_told_who_else_owns_a_field(api: Api) -> None:
    await applied(api, chart())
    scaled = {"spec": {"replicas": 7}}
    merge = {"content-type": "application/merge-patch+json"}
    await api("PATCH", f"{DEPLOYMENTS}/web?fieldManager=scaler", scaled, merge)
    refused = await applied(api, chart(replicas=3))
    assert (refused.status, refused.reason) == (409, "Conflict")
    assert refused.message == ('Apply failed with 1 conflict: conflict with "scaler" using apps/v1: .spec.replicas')
    forced = await applied(api, chart(replicas=3), force="true")
    assert forced.body["spec"]["replicas"] == 3


async def test_helm_4_takes_over_what_helm_3_made(api: Api) -> None:
    made = await api.create(f"{DEPLOYMENTS}?fieldManager=helm", chart(env="old"))
    entries = [{**each, "operation": "Apply"} for each in made["metadata"]["managedFields"]]
    version = made["metadata"]["resourceVersion"]
    handed_over = [
        {"op": "replace", "path": "/metadata/managedFields", "value": entries},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]
    assert (await api.patch(f"{DEPLOYMENTS}/web", handed_over, "json")).status == 200
    assert (await api.patch(f"{DEPLOYMENTS}/web", handed_over, "json")).status == 409
    done = await applied(api, chart())
    assert "env" not in done.body["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize("validation", ["Strict", "Warn"])
async def test_a_dry_run_on_the_server_changes_nothing(api: Api, validation: str) -> None:
    tried = await applied(api, chart(), dryRun="All", fieldValidation=validation)
    assert tried.status == 201
    assert tried.body["metadata"]["uid"]
    assert (await api("GET", f"{DEPLOYMENTS}/web")).status == 404
    wrong = await applied(api, {**chart(), "spce": {}}, dryRun="All", fieldValidation=validation)
    assert wrong.status == 500  # upstream's, too: what is applied must fit the schema
    assert ".spce: field not declared in schema" in wrong.message


async def test_rollback_and_uninstall(api: Api) -> None:
    await api.create(SECRETS, release(1, "superseded"))
    await api.create(SECRETS, release(2, "deployed"))
    await api.create(DEPLOYMENTS, chart(image="web:2"))
    back = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:1"}]}}}}
    rolled = await api("PATCH", f"{DEPLOYMENTS}/web?fieldManager=helm", back, STRATEGIC)
    assert rolled.body["spec"]["template"]["spec"]["containers"][0]["image"] == "web:1"
    await api.create(SECRETS, release(3, "deployed"))
    assert await releases(api, "name=shop,owner=helm") == ["1", "2", "3"]
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
    assert (await api("DELETE", f"{DEPLOYMENTS}/web", options)).body["status"] == "Success"
    for version in (1, 2, 3):
        assert (await api("DELETE", f"{SECRETS}/sh.helm.release.v1.shop.v{version}")).status == 200
    assert await releases(api, "owner=helm") == []
