"""Nothing that a client sends makes the server fail: every answer to nonsense is in the 400s, with a Status."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import orjson
import pytest
from tests.unit.apiserver.customresources.conftest import CRONTABS, DEFINITIONS, GROUP, definition, version

from wherry.apiserver.app import ApiServer
from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api
from wherry.testing.manifests import MAPS, PODS, config_map, pod

NONSENSE: tuple[Any, ...] = (None, True, 0, -1, 1e400, 1.5, "", "x" * 300, "a/b", "\u0000", [], [1], [None], {}, {"a": 1}, 2**70)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, (*path, key))
    return found


def mutated(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy = orjson.loads(orjson.dumps(body))
    holder = copy
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return copy


BODIES = {
    PODS: {**pod("a", labels={"x": "y"}, annotations={"n": "v"}, finalizers=["a.b/c"], ownerReferences=[{"apiVersion": "v1", "kind": "Pod", "name": "o", "uid": "u"}]),},
    MAPS: config_map("a"),
    "/api/v1/namespaces/default/services": {"metadata": {"name": "a"}, "spec": {"type": "NodePort", "clusterIP": "10.96.0.9", "ports": [{"port": 80, "nodePort": 30001, "targetPort": "x"}]}},
    "/api/v1/namespaces": {"metadata": {"name": "a"}, "spec": {"finalizers": ["kubernetes"]}},
    "/api/v1/nodes": {"metadata": {"name": "a"}, "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}, "status": {"capacity": {"cpu": "1"}}},
    "/apis/apps/v1/namespaces/default/deployments": {"metadata": {"name": "a"}, "spec": {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod("x")["spec"]}}},
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings": {"metadata": {"name": "a"}, "roleRef": {"kind": "ClusterRole", "name": "x", "apiGroup": "rbac.authorization.k8s.io"}, "subjects": [{"kind": "User", "name": "u"}]},
    "/apis/policy/v1/namespaces/default/poddisruptionbudgets": {"metadata": {"name": "a"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}},
    "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers": {"metadata": {"name": "a"}, "spec": {"maxReplicas": 2, "targetCPUUtilizationPercentage": 5, "scaleTargetRef": {"kind": "Deployment", "name": "d"}}},
    "/apis/events.k8s.io/v1/namespaces/default/events": {"metadata": {"name": "a"}, "regarding": {"kind": "Pod", "name": "a"}, "eventTime": "2026-01-01T00:00:00Z"},
    "/apis/authorization.k8s.io/v1/subjectaccessreviews": {"spec": {"user": "a", "groups": ["b"], "extra": {"k": ["v"]}, "resourceAttributes": {"verb": "get", "resource": "pods"}}},
    "/apis/certificates.k8s.io/v1/certificatesigningrequests": {"metadata": {"name": "a"}, "spec": {"request": "YQ==", "signerName": "a/b", "usages": ["client auth"]}},
    "/apis/batch/v1/namespaces/default/cronjobs": {"metadata": {"name": "a"}, "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {"spec": pod("x")["spec"]}}}}},
}  # fmt: skip


def text(value: Any) -> bytes:
    """As JSON, also what orjson does not write: big numbers and infinities."""
    return json.dumps(value).encode()


def check(answer: Any, what: Any) -> None:
    assert answer.status < 500, (what, answer.raw)
    if answer.status >= 400:
        assert answer.body["kind"] == "Status", what
        assert answer.body["status"] == "Failure", what


@pytest.mark.parametrize("target", BODIES)
async def test_no_value_anywhere_makes_the_server_fail(api: Api, target: str) -> None:
    body, rng = BODIES[target], random.Random(7)
    for path in places(body):
        for value in rng.sample(NONSENSE, 6):
            changed = mutated(body, path, value)
            if "name" in (changed.get("metadata") or {} if isinstance(changed.get("metadata"), dict) else {}):
                check(await api("POST", f"{target}?dryRun=All", text(changed)), (path, value))
            else:
                check(await api("POST", target, text(changed)), (path, value))
            check(await api("POST", f"{target}?fieldValidation=Strict&dryRun=All", text(changed)), (path, value))


@pytest.mark.parametrize("kind", ["json", "merge", "strategic"])
async def test_no_patch_makes_the_server_fail(api: Api, kind: str) -> None:
    await api.create(PODS, BODIES[PODS])
    body = BODIES[PODS]
    for path in places(body):
        for value in NONSENSE:
            if kind == "json":
                pointer = "/" + "/".join(str(key) for key in path)
                patch: Any = [{"op": "replace", "path": pointer, "value": value}]
            else:
                patch = value
                for key in reversed(path):
                    patch = [patch] if isinstance(key, int) else {key: patch}
            for where in (f"{PODS}/a", f"{PODS}/a/status", f"{PODS}/a/ephemeralcontainers", f"{PODS}/a/resize"):
                check(await api.patch(f"{where}?dryRun=All", text(patch), kind), (path, value))


async def test_deep_nesting_is_refused(api: Api) -> None:
    for depth in (200, 300, 2000, 200_000):
        deep = b'{"metadata":{"name":"a"},"data":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
        check(await api("POST", MAPS, deep), depth)
        check(await api("POST", "/apis/apps/v1/namespaces/default/controllerrevisions", deep), depth)
        array = b"[" * depth + b"]" * depth
        check(await api("POST", MAPS, array), depth)
        check(await api("POST", MAPS, array, {"content-type": "application/yaml"}), depth)


@pytest.mark.parametrize("validation", ["Strict", "Warn", "Ignore"])
async def test_bytes_that_are_no_text_and_numbers_beyond_all_numbers(api: Api, validation: str) -> None:
    for extra in (b'"x\xff": 1', b'"x": "\xc3("', b'"x": ' + b"1" * 5000, b'"x": 1' + b"0" * 400 + b".5"):
        body = b'{"metadata": {"name": "a"}, ' + extra + b"}"
        check(await api("POST", f"{MAPS}?dryRun=All&fieldValidation={validation}", body), extra[:20])


async def test_a_tag_of_yaml_that_does_not_fit_is_refused(api: Api) -> None:
    for text in (b"!!map [a]", b"metadata: !!map name", b"!!map\n- a: b\n"):
        answer = await api("POST", MAPS, text, {"content-type": "application/yaml"})
        assert answer.status == 400
        assert "expected a mapping node" in answer.message


async def test_yaml_aliases_do_not_explode(api: Api) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    answer = await api("POST", MAPS, "\n".join(lines).encode(), {"content-type": "application/yaml"})
    assert answer.status == 400
    assert "excessive aliasing" in answer.message


@pytest.mark.parametrize(
    "target",
    [
        "/", "//", "/api", "/api/", "/api/v1/", "/api/v1//pods", "/api/v1/namespaces//pods", "/api/v1/pods/a/b/c/d",
        "/apis/apps", "/apis//v1/x", "/api/v1/namespaces/default/pods/..%2f..", "/api/v1/nodes/%00", "/api/v2/pods",
        "/api/v1/watch/pods?timeoutSeconds=x", "/api/v1/pods?limit=-1", "/api/v1/pods?limit=abc", "/api/v1/pods?continue=%ff",
        "/api/v1/pods?continue=e30", "/api/v1/pods?resourceVersion=abc", "/api/v1/pods?labelSelector=((", "/openapi/v3/x",
        "/api/v1/pods?fieldSelector=a%3D%3D%3Db", "/api/v1/pods?watch=1&resourceVersion=-5", "/healthz/none", "/version/x",
        "/api/v1/namespaces/default", "/api/v1/namespaces/default/status", "/apis/apps/v1/namespaces/default/deployments/a/scale",
    ],
)  # fmt: skip
async def test_no_path_makes_the_server_fail(api: Api, target: str) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"):
        for accept in ("", "application/yaml", "text/html", "application/json;as=Table;v=v1;g=meta.k8s.io"):
            reply = await api.reply(method, target, b"{}", {"accept": accept, "content-type": "application/json"})
            assert reply.status < 500 or reply.status == 504, (method, target, accept, reply)


async def test_an_object_that_breaks_a_handler_is_logged_not_raised(api: Api) -> None:
    server: ApiServer = api.server
    server._stage = lambda call: 1 // 0  # type: ignore[assignment,return-value]
    answer = await api("GET", MAPS)
    assert (answer.status, answer.reason) == (500, "InternalError")


ROLE = {"metadata": {"name": "a"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["x"]}]}  # fmt: skip


@pytest.mark.parametrize("target", [t for t in BODIES if "rbac" in t or "services" in t] + ["roles"])
async def test_what_is_stored_never_breaks_those_who_follow_changes(
    clock: FakeClock, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = BODIES.get(target, ROLE)
    target = target if target in BODIES else "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    async with in_process_server(clock=clock, config=ServerConfig(rbac=True)) as server:
        api = Api(server, clock)
        for number, path in enumerate(places(body)):
            for index, value in enumerate(NONSENSE):
                changed = mutated(body, path, value)
                if isinstance(changed.get("metadata"), dict) and path[0] != "metadata":
                    changed["metadata"]["name"] = f"a-{number}-{index}"
                check(await api("POST", target, text(changed)), (path, value))
    assert "a receiver of changes failed" not in caplog.text


async def test_a_json_patch_may_not_copy_itself_into_a_bomb(api: Api) -> None:
    """Each copy doubles what is there: forty of them would be a terabyte."""
    await api.create(MAPS, {**config_map("a"), "data": {"k": "x" * 100_000}})
    bomb = [{"op": "copy", "from": "/data", "path": f"/data/c{i}"} for i in range(40)]
    answer = await api.patch(f"{MAPS}/a", bomb, "json")
    assert answer.status == 422
    assert "the accumulated size increase of copy is" in answer.body["details"]["causes"][0]["message"]


async def test_a_json_patch_has_so_many_operations_and_no_more(api: Api) -> None:
    await api.create(MAPS, config_map("a"))
    many = [{"op": "test", "path": "/data/a", "value": "1"}] * 10_001
    answer = await api.patch(f"{MAPS}/a", many, "json")
    assert (answer.status, answer.reason) == (413, "RequestEntityTooLarge")
    assert answer.message.endswith("The allowed maximum operations in a JSON patch is 10000, got 10001")
    assert (await api.patch(f"{MAPS}/a", many[1:], "json")).status == 200


@pytest.mark.parametrize("media", ["application/json", "application/yaml", "application/merge-patch+json"])
async def test_a_body_of_more_than_3_mb_is_refused_before_it_is_read(api: Api, media: str) -> None:
    await api.create(MAPS, config_map("a"))
    method, target = ("PATCH", f"{MAPS}/a") if "patch" in media else ("POST", MAPS)
    answer = await api(method, target, b"{" + b" " * (3 << 20) + b"}", {"content-type": media})
    assert (answer.status, answer.message) == (413, "Request entity too large: limit is 3145728")


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (b"7", ""),
        (b"1e2", "Go struct field DeploymentSpec.spec.replicas of type int32"),
        (b"30.0", "Go struct field DeploymentSpec.spec.replicas of type int32"),
        (b"2147483647", ""),
        (b"2147483648", "cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        (b"-9999999999999999999999", "Go struct field DeploymentSpec.spec.replicas of type int32"),
        (b"1.5", "cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        (b'"3"', "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        (b"true", "cannot unmarshal bool into Go struct field DeploymentSpec.spec.replicas of type int32"),
    ],
)  # fmt: skip
async def test_numbers_are_read_as_go_reads_them(api: Api, number: bytes, why: str) -> None:
    target = "/apis/apps/v1/namespaces/default/deployments"
    body = text(BODIES[target]).replace(b'"replicas": 1', b'"replicas": ' + number)
    answer = await api("POST", f"{target}?dryRun=All", body)
    if why:
        assert answer.status == 400 and why in answer.message, answer.message
    else:
        assert answer.status == 201 and answer.body["spec"]["replicas"] == int(number)


async def test_a_pattern_that_would_run_for_ever_elsewhere_is_matched_in_linear_time(api: Api) -> None:
    """`(a+)+$` on thirty letters takes a backtracking engine minutes; as many letters again, years."""
    schema = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {"cronSpec": {"type": "string", "pattern": "^(a+)+$"}}}
        },
    }
    custom = asyncio.create_task(api.server._custom.run())
    try:
        await api.create(DEFINITIONS, definition(version(schema=schema)))
        for _ in range(20):
            await asyncio.sleep(0)
        made = await api(
            "POST",
            CRONTABS,
            {
                "apiVersion": f"{GROUP}/v1",
                "kind": "CronTab",
                "metadata": {"name": "a"},
                "spec": {"cronSpec": "a" * 5000 + "!"},
            },
        )
        assert made.status == 422 and "spec.cronSpec in body should match '^(a+)+$'" in made.message
        made = await api(
            "POST",
            CRONTABS,
            {
                "apiVersion": f"{GROUP}/v1",
                "kind": "CronTab",
                "metadata": {"name": "a"},
                "spec": {"cronSpec": "a" * 5000},
            },
        )
        assert made.status == 201
    finally:
        custom.cancel()
        await asyncio.gather(custom, return_exceptions=True)
