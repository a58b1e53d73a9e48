"""The forms of an answer: tables, partial objects, YAML, compression, warnings."""

from __future__ import annotations

import gzip

import orjson
import yaml

from wherry.testing.http import Api
from wherry.testing.manifests import MAPS, PODS, config_map, pod
from wherry.wire.messages import StreamResponse

TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
PARTIAL = {"accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
PARTIAL_LIST = {"accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}


async def test_tables_have_a_row_for_each_object(api: Api) -> None:
    await api.create(PODS, pod("a"))
    table = (await api("GET", PODS, headers=TABLE)).body
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert [column["name"] for column in table["columnDefinitions"]][:3] == ["Name", "Ready", "Status"]
    (row,) = table["rows"]
    assert row["cells"][:3] == ["a", "0/1", "Pending"]
    assert row["object"]["kind"] == "PartialObjectMetadata"
    whole = (await api("GET", f"{PODS}/a?includeObject=Object", headers=TABLE)).body
    assert whole["rows"][0]["object"]["spec"]["containers"]
    bare = (await api("GET", f"{PODS}?includeObject=None", headers=TABLE)).body
    assert "object" not in bare["rows"][0]
    assert (await api("GET", f"{PODS}?includeObject=Some", headers=TABLE)).status == 400


async def test_only_metadata_is_given_when_asked_for(api: Api) -> None:
    await api.create(MAPS, config_map("a"))
    single = (await api("GET", f"{MAPS}/a", headers=PARTIAL)).body
    assert single["kind"] == "PartialObjectMetadata"
    assert "data" not in single
    many = (await api("GET", MAPS, headers=PARTIAL_LIST)).body
    assert [item["metadata"]["name"] for item in many["items"]] == ["a"]


async def test_watches_can_be_tables(api: Api) -> None:
    await api.create(PODS, pod("a"))
    reply = await api.reply("GET", f"{PODS}?watch=true&timeoutSeconds=1", headers=TABLE)
    assert isinstance(reply, StreamResponse)


async def test_yaml_is_given_when_asked_for(api: Api) -> None:
    await api.create(MAPS, config_map("a"))
    answer = await api("GET", f"{MAPS}/a", headers={"accept": "application/yaml"})
    assert answer.content_type == "application/yaml"
    assert yaml.safe_load(answer.raw)["data"] == {"a": "1"}
    assert (await api("GET", MAPS, headers={"accept": "application/yaml"})).raw.startswith(b"apiVersion: v1\n")
    assert (await api("GET", f"{MAPS}?watch=1", headers={"accept": "application/yaml"})).status == 406


async def test_what_cannot_be_given_is_406(api: Api) -> None:
    for accept in ("application/vnd.kubernetes.protobuf", "text/html"):
        answer = await api("GET", MAPS, headers={"accept": accept})
        assert (answer.status, answer.reason) == (406, "NotAcceptable")
    both = {"accept": "application/vnd.kubernetes.protobuf,application/json"}
    assert (await api("GET", MAPS, headers=both)).status == 200


async def test_big_answers_are_compressed_on_request(api: Api) -> None:
    big = config_map("a")
    big["data"] = {"a": "x" * 200_000}
    await api.create(MAPS, big)
    answer = await api("GET", MAPS, headers={"accept-encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert orjson.loads(gzip.decompress(answer.raw))["items"][0]["metadata"]["name"] == "a"
    assert "Content-Encoding" not in (await api("GET", MAPS)).headers


async def test_deprecated_resources_say_so(api: Api) -> None:
    answer = await api("GET", "/api/v1/endpoints")
    assert answer.headers["Warning"] == (
        '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'
    )


async def test_component_statuses_tell_of_the_store(api: Api) -> None:
    items = {each["metadata"]["name"]: each for each in (await api("GET", "/api/v1/componentstatuses")).body["items"]}
    assert items["etcd-0"]["conditions"] == [{"type": "Healthy", "status": "True", "message": "ok"}]
    assert items["scheduler"]["conditions"][0]["status"] == "False"
    assert (await api("GET", "/api/v1/componentstatuses/none")).status == 404
