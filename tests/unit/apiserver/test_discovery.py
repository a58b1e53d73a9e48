"""Discovery, version, health, metrics: what clients ask before anything else."""

from __future__ import annotations

from wherry.api.protobuf.wire import fields
from wherry.apiserver.discovery.openapi_protobuf import encode
from wherry.testing.http import Api

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


async def test_groups_and_resources_are_listed(api: Api) -> None:
    assert (await api("GET", "/api")).body["versions"] == ["v1"]
    groups = {group["name"]: group for group in (await api("GET", "/apis")).body["groups"]}
    assert groups["autoscaling"]["preferredVersion"]["version"] == "v2"
    core = {each["name"]: each for each in (await api("GET", "/api/v1")).body["resources"]}
    assert core["pods"]["shortNames"] == ["po"]
    assert core["pods/eviction"]["kind"] == "Eviction"
    assert core["pods/eviction"]["group"] == "policy"
    assert core["namespaces"]["namespaced"] is False
    assert (await api("GET", "/apis/apps")).body["kind"] == "APIGroup"
    assert (await api("GET", "/apis/none")).status == 404


async def test_discovery_comes_in_one_document(api: Api) -> None:
    answer = await api("GET", "/apis", headers={"accept": AGGREGATED})
    assert answer.content_type == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    apps = next(item for item in answer.body["items"] if item["metadata"]["name"] == "apps")
    deployments = next(r for r in apps["versions"][0]["resources"] if r["resource"] == "deployments")
    assert deployments["scope"] == "Namespaced"
    assert {sub["subresource"] for sub in deployments["subresources"]} == {"scale", "status"}
    again = await api("GET", "/apis", headers={"accept": AGGREGATED, "if-none-match": answer.headers["ETag"]})
    assert again.status == 304


async def test_version_is_the_contract(api: Api) -> None:
    assert (await api("GET", "/version")).body["gitVersion"] == "v1.36.0"


async def test_health_is_the_sum_of_its_checks(api: Api) -> None:
    for path in ("/livez", "/readyz", "/healthz", "/readyz/etcd"):
        assert (await api("GET", path)).raw == b"ok"
    verbose = (await api("GET", "/readyz?verbose&exclude=log")).raw.decode()
    assert "[+]ping ok\n[+]log excluded: ok\n" in verbose
    assert verbose.endswith("readyz check passed\n")
    api.server.ready = False
    failed = await api("GET", "/readyz")
    assert failed.status == 500
    assert b"[-]poststarthook/rbac/bootstrap-roles failed: reason withheld\n" in failed.raw


async def test_requests_are_counted(api: Api) -> None:
    await api("GET", "/api/v1/namespaces/default")
    text = (await api("GET", "/metrics")).raw.decode()
    labels = 'component="apiserver",dry_run="",group="",resource="namespaces",scope="resource",subresource=""'
    wanted = f'apiserver_request_total{{code="200",{labels},verb="GET",version="v1"}} 1'
    assert wanted in text
    assert 'apiserver_storage_objects{resource="namespaces"} 4' in text
    assert "process_resident_memory_bytes" in text


async def test_openapi_leads_from_the_index_to_a_kind(api: Api) -> None:
    index = (await api("GET", "/openapi/v3")).body["paths"]
    where = index["apis/apps/v1"]["serverRelativeURL"]
    assert where.startswith("/openapi/v3/apis/apps/v1?hash=")
    document = (await api("GET", where)).body
    patch = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert "fieldValidation" in [each["name"] for each in patch["parameters"]]
    schemas = document["components"]["schemas"]
    spec = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]
    assert spec["containers"]["x-kubernetes-patch-merge-key"] == "name"
    assert spec["affinity"]["allOf"] == [{"$ref": "#/components/schemas/io.k8s.api.core.v1.Affinity"}]
    assert spec["affinity"]["description"]


async def test_openapi_v2_in_json_and_in_protobuf(api: Api) -> None:
    answer = await api("GET", "/openapi/v2")
    assert "io.k8s.api.core.v1.Pod" in answer.body["definitions"]
    accept = {"accept": "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"}
    binary = await api("GET", "/openapi/v2", headers=accept)
    assert binary.content_type == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    assert (await api("GET", "/openapi/v2", headers={**accept, "if-none-match": binary.headers["ETag"]})).status == 304
    parts: dict[int, bytes] = {number: value for number, value in fields(binary.raw) if isinstance(value, bytes)}
    assert parts[1] == b"2.0"
    definitions = [dict(fields(value)) for _, value in fields(parts[9]) if isinstance(value, bytes)]
    names = {each[1] for each in definitions}
    assert names == {name.encode() for name in answer.body["definitions"]}
    assert (await api("GET", "/openapi/v2", headers={"accept": "text/html"})).status == 406


def test_openapi_v2_in_protobuf_keeps_what_a_schema_says() -> None:
    schema = {"type": "object", "required": ["a"], "additionalProperties": True, "maxLength": 300, "x-y": {"z": 1}}
    document = {"swagger": "2.0", "info": {"title": "t"}, "paths": {}, "definitions": {"S": schema}}
    parts = dict(fields(encode(document)))
    named = dict(fields(dict(fields(parts[9]))[1]))  # type: ignore[arg-type]
    assert named[1] == b"S"
    assert dict(fields(named[2])) == {  # type: ignore[arg-type]
        22: b"\x0a\x06object",
        19: b"a",
        21: b"\x10\x01",
        11: 300,
        31: b'\x0a\x03x-y\x12\x09\x12\x07{"z":1}',
    }
