"""Validating webhooks: what they are told, what they refuse, what happens when they fail."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.unit.apiserver.webhooks.conftest import CONFIGURATIONS, MAPS, Configure, config_map, webhook

from wherry.api.types import Object
from wherry.apiserver.objects import encoder
from wherry.policy.user import AUTHENTICATED, User
from wherry.testing.http import Api
from wherry.testing.manifests import PODS, pod
from wherry.testing.webhooks import WebhookServer, webhook_server
from wherry.wire.messages import Response


async def test_the_review_tells_all_about_the_write(api: Api, hook: WebhookServer, configure: Configure) -> None:
    await configure()
    api.user = User("eve", ("devs", AUTHENTICATED), "u-1", {"scopes": ("a", "b")})
    made = await api.create(f"{MAPS}?fieldManager=me&fieldValidation=Strict", config_map(data={"a": "b"}))
    review = hook.reviews[0]
    assert (review["kind"], review["apiVersion"]) == ("AdmissionReview", "admission.k8s.io/v1")
    request = review["request"]
    assert len(request.pop("uid")) == 36
    seen = request.pop("object")
    assert seen["data"] == {"a": "b"}
    assert seen["metadata"]["uid"] == made["metadata"]["uid"]
    resource = {"group": "", "version": "v1", "resource": "configmaps"}
    kind = {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert request == {
        "kind": kind,
        "resource": resource,
        "requestKind": kind,
        "requestResource": resource,
        "name": "m",
        "namespace": "default",
        "operation": "CREATE",
        "userInfo": {
            "username": "eve",
            "uid": "u-1",
            "groups": ["devs", "system:authenticated"],
            "extra": {"scopes": ["a", "b"]},
        },
        "oldObject": None,
        "dryRun": False,
        "options": {
            "kind": "CreateOptions",
            "apiVersion": "meta.k8s.io/v1",
            "fieldManager": "me",
            "fieldValidation": "Strict",
        },
    }
    assert hook.targets == ["/review?timeout=10s"]


async def test_updates_and_deletes_show_the_old_object(api: Api, hook: WebhookServer, configure: Configure) -> None:
    await api.create(MAPS, config_map(data={"a": "1"}))
    await configure()
    await api.patch(f"{MAPS}/m", {"data": {"a": "2"}})
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
    await api("DELETE", f"{MAPS}/m", options)
    update, delete = hook.requests
    assert (update["operation"], update["oldObject"]["data"], update["object"]["data"]) == (
        "UPDATE",
        {"a": "1"},
        {"a": "2"},
    )
    assert (delete["operation"], delete["oldObject"]["data"], delete["object"]) == ("DELETE", {"a": "2"}, None)
    assert delete["options"] == {**options, "apiVersion": "meta.k8s.io/v1"}


@pytest.mark.parametrize(
    ("status", "code", "reason", "message"),
    [
        ({"message": "no"}, 400, "", 'admission webhook "check.example.org" denied the request: no'),
        ({}, 400, "", 'admission webhook "check.example.org" denied the request without explanation'),
        ({"code": 200}, 400, "", 'admission webhook "check.example.org" denied the request without explanation'),
        (
            {"code": 409, "reason": "Conflict"},
            409,
            "Conflict",
            'admission webhook "check.example.org" denied the request: Conflict',
        ),
    ],
)
async def test_a_refusal_has_the_status_that_the_webhook_gave(
    api: Api, hook: WebhookServer, configure: Configure, status: Object, code: int, reason: str, message: str
) -> None:
    await configure()
    hook.decide = lambda request: {"allowed": False, "status": status, "warnings": ["take care"]}
    answer = await api("POST", MAPS, config_map())
    assert (answer.status, answer.reason, answer.message) == (code, reason, message)
    assert answer.headers["Warning"] == '299 - "take care"'
    assert (await api("GET", f"{MAPS}/m")).status == 404


@pytest.mark.parametrize(
    ("response", "why"),
    [
        ({"uid": "x", "allowed": True}, 'received invalid webhook response: expected response.uid="UID", got "x"'),
        (
            {"allowed": True, "patch": "W10="},
            "received invalid webhook response: validating webhook may not return response.patch",
        ),
        (Response(200, b"{}"), "received invalid webhook response: webhook response was absent"),
        (
            Response(500, b"broken"),
            'failed to call webhook: an error on the server ("broken") has prevented the request from succeeding',
        ),
        (Response(404, b"?"), "failed to call webhook: the server could not find the requested resource"),
    ],
)
async def test_a_bad_answer_fails_the_write_or_is_ignored_as_the_policy_says(
    api: Api, hook: WebhookServer, configure: Configure, response: Object | Response, why: str
) -> None:
    await configure()
    hook.decide = lambda request: response
    answer = await api("POST", MAPS, config_map())
    expected = why.replace("UID", hook.requests[0]["uid"])
    assert answer.status == 500
    assert answer.message == f'Internal error occurred: failed calling webhook "check.example.org": {expected}'
    patch = {"webhooks": [{**webhook(hook), "failurePolicy": "Ignore"}]}
    await api.patch(f"{CONFIGURATIONS}/validatingwebhookconfigurations/c", patch)
    assert (await api("POST", MAPS, config_map())).status == 201


async def test_a_server_that_cannot_be_reached_or_trusted_is_named(
    api: Api, hook: WebhookServer, configure: Configure
) -> None:
    closed = {"url": "https://localhost:1/x", "caBundle": hook.ca}
    await configure(clientConfig=closed)
    start = 'Internal error occurred: failed calling webhook "check.example.org": failed to call webhook: '
    refused = await api("POST", MAPS, config_map())
    assert refused.message == (
        f'{start}Post "https://localhost:1/x?timeout=10s": dial tcp localhost:1: connect: connection refused'
    )
    await api("DELETE", f"{CONFIGURATIONS}/validatingwebhookconfigurations/c")
    await configure(clientConfig={"url": hook.config()["url"]})
    untrusted = await api("POST", MAPS, config_map())
    assert untrusted.message.endswith(
        "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    )


async def test_a_service_is_asked_at_its_endpoint_under_its_own_name(
    api: Api, hook: WebhookServer, configure: Configure
) -> None:
    config = {"service": {"namespace": "default", "name": "hook", "path": "/in"}, "caBundle": hook.ca}
    await configure(clientConfig=config)
    missing = await api("POST", MAPS, config_map())
    assert missing.message.endswith('Post "https://hook.default.svc:443/in?timeout=10s": service "hook" not found')
    services = "/api/v1/namespaces/default/services"
    await api.create(services, {"metadata": {"name": "hook"}, "spec": {"ports": [{"name": "s", "port": 443}]}})
    empty = await api("POST", MAPS, config_map())
    assert empty.message.endswith('no endpoints available for service "hook"')
    await put_endpoint(api, hook)
    await api.create(MAPS, config_map())
    assert hook.targets == ["/in?timeout=10s"]


async def put_endpoint(api: Api, hook: WebhookServer) -> None:
    # Straight into the store: no client may write an endpoint of the loopback range.
    part = {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": {"name": "hook-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "hook"}},
        "addressType": "IPv4",
        "ports": [{"name": "s", "port": hook.port}],
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
    }
    await api.server.parts.store.put(
        "/registry/discovery.k8s.io/endpointslices/default/hook-1", encoder(part), expected=0
    )


async def test_a_service_must_show_a_certificate_of_its_name(
    api: Api, configure: Configure, webhook_keys: Path
) -> None:
    async with webhook_server(webhook_keys, names=("other.default.svc",)) as other:
        config = {"service": {"namespace": "default", "name": "hook"}, "caBundle": other.ca}
        await configure(clientConfig=config)
        services = "/api/v1/namespaces/default/services"
        await api.create(services, {"metadata": {"name": "hook"}, "spec": {"ports": [{"name": "s", "port": 443}]}})
        await put_endpoint(api, other)
        answer = await api("POST", MAPS, config_map())
        assert "x509: certificate is not valid for hook.default.svc" in answer.message
        assert other.reviews == []


async def test_a_webhook_that_takes_too_long_is_given_up(api: Api, hook: WebhookServer, configure: Configure) -> None:
    await configure(timeoutSeconds=2)

    async def slow(request: Object) -> Object:
        await api.clock.advance(3)
        return {"allowed": True}

    hook.decide = slow
    answer = await api("POST", MAPS, config_map())
    assert answer.message.endswith(f'Post "https://localhost:{hook.port}/review?timeout=2s": context deadline exceeded')


async def test_dry_run_asks_only_webhooks_without_side_effects(
    api: Api, hook: WebhookServer, configure: Configure
) -> None:
    await configure()
    assert (await api("POST", f"{MAPS}?dryRun=All", config_map())).status == 201
    assert (hook.requests[0]["dryRun"], hook.requests[0]["options"]["dryRun"]) == (True, ["All"])
    # Only configurations of before v1 could say `Some`.
    store, key = api.server.parts.store, "/registry/admissionregistration.k8s.io/validatingwebhookconfigurations/c"
    entry = store.get(key)
    assert entry is not None
    old = entry.value.replace(b'"sideEffects":"None"', b'"sideEffects":"Some"')
    await store.put(key, lambda revision: old, expected=entry.mod_revision)
    answer = await api("POST", f"{MAPS}?dryRun=All", config_map())
    assert (answer.status, answer.message) == (
        400,
        'admission webhook "check.example.org" does not support dry run',
    )
    assert len(hook.requests) == 1


@pytest.mark.parametrize(
    ("resources", "scope", "seen"),
    [
        (["pods"], "*", ["CREATE pods"]),
        (["pods/status"], "*", ["UPDATE pods/status"]),
        (["pods/*"], "Namespaced", ["CREATE pods", "UPDATE pods/status", "CREATE pods/eviction"]),
        (["*/*"], "Cluster", ["CREATE namespaces"]),
        (["*"], "*", ["CREATE pods", "CREATE namespaces"]),
    ],
)
async def test_rules_choose_resources_subresources_and_scope(
    api: Api, hook: WebhookServer, configure: Configure, resources: list[str], scope: str, seen: list[str]
) -> None:
    every = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": resources, "scope": scope}
    await configure(rules=[every if resources != ["pods"] else {**every, "operations": ["CREATE"]}])
    await api.create(PODS, pod("p"))
    await api.patch(f"{PODS}/p/status", {"status": {"phase": "Pending"}})
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
    assert (await api("POST", f"{PODS}/p/eviction", eviction)).status == 201
    await api.create("/api/v1/namespaces", {"metadata": {"name": "n"}})
    shown = [
        f"{r['operation']} {r['resource']['resource']}{'/' + r['subResource'] if 'subResource' in r else ''}"
        for r in hook.requests
    ]
    assert shown == seen


async def test_selectors_look_at_the_namespace_and_at_both_objects(
    api: Api, hook: WebhookServer, configure: Configure
) -> None:
    await api.create("/api/v1/namespaces", {"metadata": {"name": "watched", "labels": {"watch": "yes"}}})
    await configure(
        namespaceSelector={"matchLabels": {"watch": "yes"}},
        objectSelector={"matchExpressions": [{"key": "check", "operator": "Exists"}]},
    )
    watched = "/api/v1/namespaces/watched/configmaps"
    labelled = {"metadata": {"name": "l", "labels": {"check": ""}}}
    await api.create(MAPS, labelled)
    await api.create(watched, config_map("plain"))
    await api.create(watched, labelled)
    await api.patch(f"{watched}/l", {"metadata": {"labels": None}})
    await api.patch(f"{watched}/l", {"data": {"a": "b"}})
    assert [(r["operation"], r["namespace"], r["name"]) for r in hook.requests] == [
        ("CREATE", "watched", "l"),
        ("UPDATE", "watched", "l"),
    ]


async def test_equivalent_resources_are_shown_in_the_version_of_the_rule(
    api: Api, hook: WebhookServer, configure: Configure
) -> None:
    rule = {"apiGroups": ["autoscaling"], "apiVersions": ["v2"], "operations": ["*"], "resources": ["*"]}
    await configure(rules=[rule])
    await configure(configuration="exact", name="exact.example.org", rules=[rule], matchPolicy="Exact")
    scaler = {
        "metadata": {"name": "s"},
        "spec": {
            "maxReplicas": 3,
            "scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"},
            "targetCPUUtilizationPercentage": 50,
        },
    }
    await api.create("/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", scaler)
    (request,) = hook.requests
    assert request["kind"] == {"group": "autoscaling", "version": "v2", "kind": "HorizontalPodAutoscaler"}
    assert request["requestKind"] == {"group": "autoscaling", "version": "v1", "kind": "HorizontalPodAutoscaler"}
    assert request["resource"]["version"] == "v2"
    assert request["requestResource"]["version"] == "v1"
    assert request["object"]["apiVersion"] == "autoscaling/v2"
    assert request["object"]["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 50


async def test_nobody_can_lock_themselves_out_by_a_webhook(api: Api, hook: WebhookServer, configure: Configure) -> None:
    every = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}
    await configure(rules=[every], clientConfig={"url": "https://localhost:1/"})
    await configure("Mutating", rules=[every], clientConfig={"url": "https://localhost:1/"})
    assert (await api("POST", MAPS, config_map())).status == 500
    for kind in ("validating", "mutating"):
        assert (await api("DELETE", f"{CONFIGURATIONS}/{kind}webhookconfigurations/c")).status == 200
    assert (await api("POST", MAPS, config_map())).status == 201


async def test_what_webhooks_refuse_is_counted(api: Api, hook: WebhookServer, configure: Configure) -> None:
    await configure()
    hook.decide = lambda request: {"allowed": False}
    await api("POST", MAPS, config_map())
    text = (await api("GET", "/metrics")).raw.decode()
    labels = 'name="check.example.org",operation="CREATE",rejection_code="400",type="validating"'
    assert f'apiserver_admission_webhook_rejection_count{{error_type="no_error",{labels}}} 1' in text
    assert (
        "apiserver_admission_webhook_admission_duration_seconds_count"
        '{name="check.example.org",operation="CREATE",rejected="true",type="validating"} 1'
    ) in text


async def test_all_validating_webhooks_are_asked_at_once(api: Api, hook: WebhookServer, configure: Configure) -> None:
    both = asyncio.Barrier(2)

    async def together(request: Object) -> Object:
        # Whoever is asked first waits until the other one is asked, too.
        await both.wait()
        return {"allowed": True}

    hook.decide = together
    await configure(configuration="one", name="one.example.org")
    await configure(configuration="two", name="two.example.org")
    assert (await api("POST", MAPS, config_map())).status == 201
    assert len(hook.requests) == 2


async def test_conditions_decide_whether_a_webhook_is_asked(
    api: Api, hook: WebhookServer, configure: Configure
) -> None:
    conditions = [
        {"name": "not-mine", "expression": "request.userInfo.username != 'robot'"},
        {"name": "checked", "expression": "object.data.check == 'yes'"},
    ]
    for kind in ("Validating", "Mutating"):
        await configure(kind, matchConditions=conditions)
    assert (await api("POST", MAPS, config_map("a", data={"check": "no"}))).status == 201
    assert hook.requests == []
    assert (await api("POST", MAPS, config_map("b", data={"check": "yes"}))).status == 201
    assert len(hook.requests) == 2
    failed = await api("POST", MAPS, config_map("c", data={"other": ""}))
    assert (failed.status, failed.message) == (
        403,
        "configmaps \"c\" is forbidden: expression 'object.data.check == 'yes'' resulted in error: no such key: check",
    )
    bad = webhook(hook, matchConditions=[{"name": "n", "expression": "1"}])
    refused = await api(
        "POST", f"{CONFIGURATIONS}/validatingwebhookconfigurations", {"metadata": {"name": "x"}, "webhooks": [bad]}
    )
    assert "webhooks[0].matchConditions[0].expression: Invalid value" in refused.message
    api.user = User("robot", (AUTHENTICATED,))
    assert (await api("POST", MAPS, config_map("d", data={"other": ""}))).status == 201
