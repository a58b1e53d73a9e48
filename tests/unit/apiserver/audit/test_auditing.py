"""The audit log: what a policy has written down of requests, in files that rotate and to services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from wherry.apiserver.audit.options import AuditOptions, Rotation
from wherry.apiserver.config import ServerConfig
from wherry.apiserver.configuration.problems import ConfigurationError
from wherry.base.fake_clock import FakeClock
from wherry.policy.user import AUTHENTICATED, User
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api
from wherry.testing.manifests import MAPS, PODS, config_map, pod
from wherry.testing.webhook import review_service
from wherry.wire.messages import Peer

JANE = User("jane", ("devs", AUTHENTICATED))


def policy(directory: Path, *rules: dict[str, Any], **more: Any) -> Path:
    path = directory / "policy.yaml"
    path.write_text(yaml.safe_dump({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(rules), **more}))
    return path


class Log:
    def __init__(self, path: Path) -> None:
        self.path = path

    async def events(self) -> list[dict[str, Any]]:
        await asyncio.sleep(0)
        return [orjson.loads(line) for line in self.path.read_bytes().splitlines()]


@asynccontextmanager
async def serving(
    clock: FakeClock, directory: Path, *rules: dict[str, Any], **more: Any
) -> AsyncIterator[tuple[Api, Log]]:
    log = directory / "audit" / "audit.log"
    options = AuditOptions(policy=policy(directory, *rules, **more), log=log)
    async with in_process_server(clock=clock, config=ServerConfig(rbac=True, audit=options)) as server:
        yield Api(server, clock), Log(log)


async def test_every_answer_carries_an_audit_id_and_keeps_one_that_was_given(clock: FakeClock) -> None:
    async with in_process_server(clock=clock) as server:
        api = Api(server, clock)
        first, second = (await api("GET", MAPS)).headers, (await api("GET", "/nowhere")).headers
        assert len(first["Audit-Id"]) == 36 and first["Audit-Id"] != second["Audit-Id"]
        assert (await api("GET", MAPS, headers={"Audit-ID": "mine"})).headers["Audit-Id"] == "mine"


async def test_a_create_is_written_down_with_who_what_and_why_it_was_allowed(clock: FakeClock, tmp_path: Path) -> None:
    async with serving(clock, tmp_path, {"level": "RequestResponse"}, omitStages=["RequestReceived"]) as (api, log):
        headers = {"user-agent": "test/1", "x-forwarded-for": "10.0.0.1, 10.0.0.2"}
        answer = await api("POST", MAPS, config_map("one"), headers, Peer("127.0.0.9", 5))
        [event] = await log.events()
        assert event["auditID"] == answer.headers["Audit-Id"]
        received = event.pop("requestReceivedTimestamp")
        assert received == event.pop("stageTimestamp") == "2026-01-01T00:00:00.000000Z"
        assert event.pop("requestObject")["data"] == config_map("one")["data"]
        assert event.pop("responseObject") == answer.body
        assert event == {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "RequestResponse",
            "auditID": answer.headers["Audit-Id"],
            "stage": "ResponseComplete",
            "requestURI": MAPS,
            "verb": "create",
            "user": {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]},
            "sourceIPs": ["10.0.0.1", "10.0.0.2", "127.0.0.9"],
            "userAgent": "test/1",
            "objectRef": {"resource": "configmaps", "namespace": "default", "name": "one", "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "code": 201},
            "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
        }


async def test_refusals_are_written_down_too(clock: FakeClock, tmp_path: Path) -> None:
    async with serving(clock, tmp_path, {"level": "Metadata", "omitStages": ["RequestReceived"]}) as (api, log):
        api.user = JANE
        await api("GET", MAPS)
        api.user = None
        await api("GET", MAPS, headers={"authorization": "Bearer wrong"})
        forbidden, unknown = await log.events()
        assert forbidden["annotations"] == {
            "authorization.k8s.io/decision": "forbid",
            "authorization.k8s.io/reason": "",
        }
        assert (forbidden["responseStatus"]["code"], forbidden["responseStatus"]["reason"]) == (403, "Forbidden")
        assert (unknown["stage"], unknown["user"]) == ("ResponseStarted", {})
        assert unknown["responseStatus"]["code"] == 401
        assert unknown["responseStatus"]["message"] == "Authentication failed, attempted: bearer"


async def test_who_is_impersonated_stands_beside_who_asked(clock: FakeClock, tmp_path: Path) -> None:
    async with serving(clock, tmp_path, {"level": "Metadata"}) as (api, log):
        await api("GET", MAPS, headers={"impersonate-user": "joe"})
        received, complete = await log.events()
        assert (received["stage"], complete["stage"]) == ("RequestReceived", "ResponseComplete")
        assert "impersonatedUser" not in received
        assert complete["user"]["username"] == "kubernetes-admin"
        assert complete["impersonatedUser"] == {"username": "joe", "groups": ["system:authenticated"]}


@pytest.mark.parametrize(
    ("rule", "seen"),
    [
        ({}, {"list pods", "get pod log", "create", "version"}),
        ({"verbs": ["create"]}, {"create"}),
        ({"users": ["nobody"]}, set()),
        ({"userGroups": ["system:masters"], "verbs": ["get"]}, {"get pod log", "version"}),
        ({"namespaces": ["other"]}, set()),
        ({"resources": [{"group": ""}]}, {"list pods", "get pod log", "create"}),
        ({"resources": [{"group": "", "resources": ["pods"]}]}, {"list pods"}),
        ({"resources": [{"group": "", "resources": ["pods/*"]}]}, {"get pod log"}),
        ({"resources": [{"group": "", "resources": ["*/log"]}]}, {"get pod log"}),
        ({"resources": [{"group": "apps", "resources": ["*"]}]}, set()),
        ({"resources": [{"group": "", "resources": ["pods/log"], "resourceNames": ["other"]}]}, set()),
        ({"nonResourceURLs": ["/vers*"]}, {"version"}),
        ({"nonResourceURLs": ["/healthz"]}, set()),
    ],
)
async def test_rules_choose_what_is_written_down(
    clock: FakeClock, tmp_path: Path, rule: dict[str, Any], seen: set[str]
) -> None:
    requests = {
        "list pods": ("GET", "/api/v1/namespaces/default/pods"),
        "get pod log": ("GET", "/api/v1/namespaces/default/pods/x/log"),
        "create": ("POST", MAPS),
        "version": ("GET", "/version"),
    }
    rules = [{"level": "Metadata", **rule}, {"level": "None"}]
    async with serving(clock, tmp_path, *rules, omitStages=["RequestReceived"]) as (api, log):
        for method, target in requests.values():
            await api(method, target, config_map("one") if method == "POST" else b"")
        found = {(event["verb"], event["requestURI"].partition("?")[0]) for event in await log.events()}
    verbs = {"list pods": "list", "get pod log": "get", "create": "create", "version": "get"}
    assert found == {(verbs[name], requests[name][1]) for name in seen}


async def test_managed_fields_are_left_out_where_the_policy_says_so(clock: FakeClock, tmp_path: Path) -> None:
    rules = {"level": "RequestResponse", "omitManagedFields": True, "verbs": ["list"]}
    async with serving(clock, tmp_path, rules) as (api, log):
        await api("POST", MAPS, config_map("one"))
        await api("GET", MAPS)
        event = (await log.events())[-1]
        assert [each["metadata"]["name"] for each in event["responseObject"]["items"]] == ["one"]
        assert "managedFields" not in event["responseObject"]["items"][0]["metadata"]


async def test_what_pod_security_finds_is_noted(clock: FakeClock, tmp_path: Path) -> None:
    rule = {"level": "Metadata", "omitStages": ["RequestReceived"], "verbs": ["create"]}
    async with serving(clock, tmp_path, rule) as (api, log):
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("audit", "warn")}
        await api.patch("/api/v1/namespaces/default", {"metadata": {"labels": labels}})
        await api("POST", PODS, pod("one"))
        noted = (await log.events())[-1]["annotations"]
        assert noted["pod-security.kubernetes.io/enforce-policy"] == "privileged:latest"
        violations = noted["pod-security.kubernetes.io/audit-violations"]
        assert violations.startswith('would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false')


async def test_what_was_sent_is_read_in_whichever_form_it_came(clock: FakeClock, tmp_path: Path) -> None:
    rule = {"level": "Request", "omitStages": ["RequestReceived"]}
    async with serving(clock, tmp_path, rule) as (api, log):
        body = yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", **config_map("yaml")}).encode()
        await api("POST", MAPS, body, {"content-type": "application/yaml"})
        await api.patch(f"{MAPS}/yaml", {"data": {"a": "b"}})
        await api("POST", MAPS, b"{nonsense")
        created, patched, refused = await log.events()
        assert (created["objectRef"]["name"], created["requestObject"]["kind"]) == ("yaml", "ConfigMap")
        assert (patched["verb"], patched["requestObject"]) == ("patch", {"data": {"a": "b"}})
        assert refused["responseStatus"]["code"] == 400 and "requestObject" not in refused


async def test_a_watch_is_written_down_when_it_starts_and_when_it_ends(clock: FakeClock, tmp_path: Path) -> None:
    async with serving(clock, tmp_path, {"level": "Metadata"}) as (api, log):
        reply = await api.reply("GET", f"{MAPS}?watch=true&timeoutSeconds=5")

        class Sink:
            async def write(self, data: bytes) -> None: ...

            def write_nowait(self, data: bytes) -> int:
                return 0

            async def wait_closed(self) -> None:
                await asyncio.Event().wait()

        work = asyncio.ensure_future(reply.produce(Sink()))  # type: ignore[union-attr]
        await clock.settle()
        assert [event["stage"] for event in await log.events()] == ["RequestReceived", "ResponseStarted"]
        await clock.advance(30)
        await work
        last = (await log.events())[-1]
        assert (last["stage"], last["verb"], last["responseStatus"]["code"]) == ("ResponseComplete", "watch", 200)


async def test_a_full_file_is_put_aside_and_only_some_are_kept(clock: FakeClock, tmp_path: Path) -> None:
    log, rules = tmp_path / "audit.log", policy(tmp_path, {"level": "RequestResponse"})
    options = AuditOptions(policy=rules, log=log, rotation=Rotation(megabytes=1, backups=2))
    async with in_process_server(clock=clock, config=ServerConfig(audit=options)) as server:
        api = Api(server, clock)
        for number in range(5):
            body = {**config_map(f"big-{number}"), "data": {"x": "y" * 400_000}}
            await api("POST", MAPS, body)
            await clock.advance(1)
    check_files(log)


def check_files(log: Path) -> None:
    names = sorted(path.name for path in log.parent.iterdir() if path.name.startswith("audit"))
    assert names == ["audit-2026-01-01T00-00-03.000.log", "audit-2026-01-01T00-00-04.000.log", "audit.log"]
    assert log.stat().st_mode & 0o777 == 0o600


async def test_a_service_gets_many_events_at_once(clock: FakeClock, tmp_path: Path) -> None:
    async with review_service(tmp_path, lambda spec: {}) as service:
        rules = policy(tmp_path, {"level": "Metadata", "omitStages": ["RequestReceived"]})
        options = AuditOptions(policy=rules, webhook=service.kubeconfig)
        async with in_process_server(clock=clock, config=ServerConfig(audit=options)) as server:
            api = Api(server, clock)
            for _ in range(3):
                await api("GET", MAPS)
            auditing = server._auditing
            assert auditing is not None and auditing.webhook is not None
            await auditing.webhook.send()
        [sent] = service.received
        assert (sent["kind"], sent["apiVersion"], len(sent["items"])) == ("EventList", "audit.k8s.io/v1", 3)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([], "rules: Required value"),
        ([{"level": "All"}], 'rules[0].level: Unsupported value: "All"'),
        ([{"level": "None", "nonResourceURLs": ["x"]}], "must begin with a '/' character"),
        ([{"level": "None", "user": ["x"]}], 'unknown field "rules[0].user"'),
    ],
)
async def test_a_wrong_policy_is_told_with_its_field(
    clock: FakeClock, tmp_path: Path, rules: list[dict[str, Any]], told: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        async with serving(clock, tmp_path, *rules):
            pass
    assert told in str(caught.value)
