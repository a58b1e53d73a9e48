"""Lists and watches by every combination of their options, and the forms of an answer."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import orjson
import pytest
from tests.unit.apiserver.test_list_watch import watch

from wherry.testing.http import Api
from wherry.testing.manifests import MAPS, config_map

INVALID = 'ListOptions.meta.k8s.io "" is invalid: '
WITHOUT_VERSION = (
    "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
)
SUPPORTED = 'supported values: "Exact", "NotOlderThan", ""'
EXACT_ZERO = 'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
WITH_CONTINUE = "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided"
FOR_LIST = "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"
FOR_WATCH = (
    "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
)
NEEDS_MATCH = "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
ONLY_NOT_OLDER = 'resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"'


def token(revision: int, start: str) -> str:
    text = orjson.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": start})
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@pytest.fixture
async def maps(api: Api) -> AsyncIterator[Api]:
    for name in "abc":
        await api.create(MAPS, config_map(name))
    yield api


REFUSED: tuple[tuple[str, int, str], ...] = (
    ("resourceVersionMatch=Exact", 422, INVALID + WITHOUT_VERSION),
    ("resourceVersionMatch=Foo", 422, f'{INVALID}[{WITHOUT_VERSION}, resourceVersionMatch: Unsupported value: "Foo": {SUPPORTED}]'),
    ("resourceVersion=0&resourceVersionMatch=Exact", 422, INVALID + EXACT_ZERO),
    ("resourceVersion=1&resourceVersionMatch=Exact&continue=x", 422, INVALID + WITH_CONTINUE),
    ("sendInitialEvents=true", 422, INVALID + FOR_LIST),
    ("watch=1&resourceVersionMatch=Exact", 422, INVALID + FOR_WATCH),
    ("watch=1&sendInitialEvents=true", 422, INVALID + NEEDS_MATCH),
    ("watch=1&sendInitialEvents=false", 422, INVALID + NEEDS_MATCH),
    ("watch=1&sendInitialEvents=true&resourceVersionMatch=Exact", 422, INVALID + ONLY_NOT_OLDER),
    ("continue=x&resourceVersion=5", 400, "specifying resource version is not allowed when using continue"),
    ("continue=!", 400, "continue key is not valid: illegal base64 data at input byte 0"),
    ("continue=" + token(0, "a"), 400, "continue key is not valid: incorrect encoded start resourceVersion or key"),
    ("continue=" + token(5, "../a"), 400, "continue key is not valid: incorrect encoded start resourceVersion or key"),
    ("limit=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
    ("timeoutSeconds=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
    ("timeout=x", 400, 'invalid timeout specified in the request URL - time: invalid duration "x"'),
    ("labelSelector=a%3Db%3Dc", 400, "found '=', expected: ',' or 'end of string'"),
    ("resourceVersion=99999", 504, "Timeout: Too large resource version: 99999, current: {now}"),
    ("resourceVersion=99999&resourceVersionMatch=NotOlderThan", 504, "Timeout: Too large resource version: 99999, current: {now}"),
    ("resourceVersion=99999&resourceVersionMatch=Exact", 504, "Timeout: Too large resource version: 99999, current: {now}"),
)  # fmt: skip


@pytest.mark.parametrize(("query", "status", "message"), REFUSED)
async def test_options_that_contradict_each_other_are_refused(maps: Api, query: str, status: int, message: str) -> None:
    now = (await maps("GET", MAPS)).body["metadata"]["resourceVersion"]
    answer = await maps("GET", f"{MAPS}?{query}")
    assert (answer.status, answer.message) == (status, message.format(now=now))
    if status == 504:
        assert answer.headers["Retry-After"] == "1"
        assert answer.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


@pytest.mark.parametrize("limit", ["-1", "0", ""])
async def test_a_limit_that_is_none_gives_all_and_nothing_of_other_resources(maps: Api, limit: str) -> None:
    found = (await maps("GET", f"{MAPS}?limit={limit}")).body
    assert [item["metadata"]["name"] for item in found["items"]] == ["a", "b", "c"]
    assert set(found["metadata"]) == {"resourceVersion"}


async def test_a_version_says_which_state_a_list_shows(maps: Api) -> None:
    """Exact, and a limit with a version, read the past; NotOlderThan and no version read what there is."""
    then = (await maps("GET", MAPS)).body["metadata"]["resourceVersion"]
    await maps("DELETE", f"{MAPS}/a")
    past, now = ["a", "b", "c"], ["b", "c"]
    for query, names in (
        ("", now),
        ("resourceVersion=0", now),
        ("resourceVersion=0&resourceVersionMatch=NotOlderThan", now),
        (f"resourceVersion={then}", now),
        (f"resourceVersion={then}&resourceVersionMatch=NotOlderThan", now),
        (f"resourceVersion={then}&resourceVersionMatch=NotOlderThan&limit=9", now),
        (f"resourceVersion={then}&resourceVersionMatch=Exact", past),
        (f"resourceVersion={then}&limit=9", past),
    ):
        found = (await maps("GET", f"{MAPS}?{query}")).body
        assert [item["metadata"]["name"] for item in found["items"]] == names, query
        assert (found["metadata"]["resourceVersion"] == then) is (names == past), query


async def test_pages_go_on_after_compaction_with_the_token_that_the_410_gives(maps: Api) -> None:
    page = (await maps("GET", f"{MAPS}?limit=1")).body
    assert page["metadata"]["remainingItemCount"] == 2
    await maps.create(MAPS, config_map("bb"))
    await maps.server.parts.store.compact(maps.server.parts.store.revision)
    gone = await maps("GET", f"{MAPS}?limit=1&continue={page['metadata']['continue']}")
    assert (gone.status, gone.reason) == (410, "Expired")
    assert gone.message.startswith("The provided continue parameter is too old to display a consistent list result.")
    rest = (await maps("GET", f"{MAPS}?continue={gone.body['metadata']['continue']}")).body
    assert [item["metadata"]["name"] for item in rest["items"]] == ["b", "bb", "c"]
    old = await maps("GET", f"{MAPS}?resourceVersion=1&resourceVersionMatch=Exact")
    assert (old.status, old.message) == (410, "The resourceVersion for the provided list is too old.")


async def test_a_token_of_another_namespace_reads_nothing_of_it(maps: Api) -> None:
    revision = int((await maps("GET", MAPS)).body["metadata"]["resourceVersion"])
    for start in ("aaa/x\u0000", "zzz/x\u0000"):
        found = (await maps("GET", f"{MAPS}?continue={token(revision, start)}")).body
        assert {item["metadata"]["namespace"] for item in found["items"]} <= {"default"}


async def test_a_watch_list_ends_its_state_with_a_bookmark_only_for_those_who_take_bookmarks(maps: Api) -> None:
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    reader = await watch(maps, f"{MAPS}?{query}&allowWatchBookmarks=true")
    events = await reader.events()
    assert [kind for kind, _ in events] == ["ADDED"] * 3 + ["BOOKMARK"]
    assert events[-1][1]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    await reader.close()
    reader = await watch(maps, f"{MAPS}?{query}")
    assert [kind for kind, _ in await reader.events()] == ["ADDED"] * 3
    await reader.close()


@pytest.mark.parametrize(
    ("accept", "status", "media"),
    [
        ("", 200, "application/json"),
        ("*/*", 200, "application/json"),
        ("application/yaml", 200, "application/yaml"),
        ("application/vnd.kubernetes.protobuf, application/json", 200, "application/json"),
        ("application/cbor, application/json;q=0.5", 200, "application/json"),
        ("application/vnd.kubernetes.protobuf", 406, "application/json"),
        ("application/cbor", 406, "application/json"),
        ("text/html", 406, "application/json"),
        ("application/json;as=Table;g=meta.k8s.io;v=v2", 406, "application/json"),
        ("application/json;as=Table;g=meta.k8s.io;v=v2, application/json", 200, "application/json"),
    ],
)
async def test_the_client_gets_a_form_that_it_accepts_and_that_is_there(
    maps: Api, accept: str, status: int, media: str
) -> None:
    for target in (MAPS, f"{MAPS}/a"):
        answer = await maps("GET", target, headers={"accept": accept})
        assert (answer.status, answer.content_type) == (status, media)


async def test_unknown_parameters_and_a_trailing_slash_change_nothing(maps: Api) -> None:
    plain = await maps("GET", MAPS)
    for target in (f"{MAPS}/", f"{MAPS}?unknown=1", f"{MAPS}?timeout=32s", f"{MAPS}?timeout=1h0m0.5s"):
        assert (await maps("GET", target)).raw == plain.raw


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (MAPS, '"foo" is not a known field selector: only "metadata.name", "metadata.namespace"'),
        ("/api/v1/pods", "field label not supported: foo"),
        ("/api/v1/persistentvolumes", '"foo" is not a known field selector: only "metadata.name", "metadata.namespace"'),
        ("/apis/batch/v1/jobs", 'field label "foo" not supported for batchv1.Job'),
        ("/apis/apps/v1/statefulsets", "field label not supported for appsv1.StatefulSet: foo"),
        ("/apis/resource.k8s.io/v1/resourceslices", "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: foo"),
    ],
)  # fmt: skip
async def test_each_kind_says_which_fields_it_does_not_know(api: Api, target: str, message: str) -> None:
    for query in ("fieldSelector=foo%3Dbar", "fieldSelector=foo%3Dbar&watch=1"):
        answer = await api("GET", f"{target}?{query}")
        assert (answer.status, answer.message) == (400, message)


@pytest.mark.parametrize("form", ["", "?pretty=true"])
async def test_a_list_names_the_kind_of_its_items_once(maps: Api, form: str) -> None:
    one, many = (await maps("GET", f"{MAPS}/a")).body, (await maps("GET", MAPS + form)).body
    assert (one.pop("kind"), one.pop("apiVersion")) == ("ConfigMap", "v1")
    assert many["items"][0] == one and many["kind"] == "ConfigMapList"
    assert all("kind" not in item and "apiVersion" not in item for item in many["items"])


async def test_a_list_of_converted_objects_names_no_kind_either(api: Api) -> None:
    spec = {"maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}}
    where = "apis/autoscaling/{}/namespaces/default/horizontalpodautoscalers"
    await api.create("/" + where.format("v2"), {"metadata": {"name": "a"}, "spec": spec})
    for version in ("v1", "v2"):
        found = (await api("GET", "/" + where.format(version))).body
        assert found["apiVersion"] == f"autoscaling/{version}"
        assert [set(item) for item in found["items"]] == [{"metadata", "spec", "status"}]


async def test_items_written_with_the_kind_elsewhere_lose_it_too(maps: Api) -> None:
    """As data of older versions has it."""
    store, key = maps.server.parts.store, "/registry/core/configmaps/default/a"
    entry = store.get(key)
    assert entry is not None
    obj = orjson.loads(entry.value)
    turned = dict(reversed(obj.items()))
    await store.put(key, lambda revision: orjson.dumps(turned), expected=entry.mod_revision)
    items = (await maps("GET", MAPS)).body["items"]
    assert [set(item) for item in items] == [{"metadata", "data"}] * 3
