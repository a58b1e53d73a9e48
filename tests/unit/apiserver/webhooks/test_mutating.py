"""Mutating webhooks: patches, their order, the second look."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.unit.apiserver.webhooks.conftest import MAPS, Configure, config_map

from wherry.api.types import Object
from wherry.testing.http import Api
from wherry.testing.manifests import PODS, pod
from wherry.testing.webhooks import WebhookServer, patch

PODS_RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}


def add(path: str, value: Any) -> Object:
    return {"op": "add", "path": path, "value": value}


async def test_the_patched_object_gets_defaults_and_is_validated(
    api: Api, hook: WebhookServer, configure: Configure
) -> None:
    await configure("Mutating", rules=[PODS_RULE])
    hook.decide = lambda request: patch(add("/spec/containers/-", {"name": "side", "image": "side"}))
    made = await api.create(PODS, pod("p"))
    assert made["spec"]["containers"][1]["terminationMessagePolicy"] == "File"
    assert "uid" not in hook.requests[0]["object"]["metadata"]
    hook.decide = lambda request: patch(add("/spec/containers/-", {"name": "Not A Name", "image": "x"}))
    answer = await api("POST", PODS, pod("q"))
    assert (answer.status, answer.reason) == (422, "Invalid")
    assert "spec.containers[1].name" in answer.message


async def test_webhooks_are_asked_by_the_name_of_their_configuration_each_on_what_the_last_one_made(
    api: Api, hook: WebhookServer, configure: Configure
) -> None:
    def decide(request: Object) -> Object:
        seen = (request["object"].get("data") or {}).get("seen", "")
        return patch(add("/data", {"seen": seen + "x"}))

    hook.decide = decide
    for name in ("b", "a"):
        await configure(
            "Mutating", configuration=name, name=f"{name}.example.org", clientConfig=hook.config(f"/{name}")
        )
    made = await api.create(MAPS, config_map())
    assert made["data"] == {"seen": "xx"}
    assert [target.split("?")[0] for target in hook.targets] == ["/a", "/b"]


async def test_who_was_asked_before_a_change_is_asked_again_if_it_wants_to_be(
    api: Api, hook: WebhookServer, configure: Configure
) -> None:
    hook.decide = lambda request: {"allowed": True}
    await configure(
        "Mutating",
        configuration="a",
        name="a.example.org",
        clientConfig=hook.config("/a"),
        reinvocationPolicy="IfNeeded",
    )
    await configure("Mutating", configuration="b", name="b.example.org", clientConfig=hook.config("/b"))
    await configure(
        "Mutating",
        configuration="c",
        name="c.example.org",
        clientConfig=hook.config("/c"),
        reinvocationPolicy="IfNeeded",
    )
    await api.create(MAPS, config_map("unchanged"))
    assert [target[:2] for target in hook.targets] == ["/a", "/b", "/c"]
    hook.targets.clear()

    def decide(request: Object) -> Object:
        return patch(add("/data", {"b": "was here"})) if hook.targets[-1].startswith("/b") else {"allowed": True}

    hook.decide = decide
    await api.create(MAPS, config_map("changed"))
    assert [target[:2] for target in hook.targets] == ["/a", "/b", "/c", "/a"]


async def test_the_servers_own_plugins_look_at_what_a_webhook_added(
    api: Api, hook: WebhookServer, configure: Configure
) -> None:
    limits = {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}
    await api.create("/api/v1/namespaces/default/limitranges", {"metadata": {"name": "l"}, "spec": limits})
    await configure("Mutating", rules=[PODS_RULE])
    hook.decide = lambda request: patch(add("/spec/containers/-", {"name": "side", "image": "side"}))
    made = await api.create(PODS, pod("p"))
    assert made["spec"]["containers"][1]["resources"]["limits"] == {"cpu": "1"}


async def test_nobody_outside_changes_what_only_the_server_says(
    api: Api, hook: WebhookServer, configure: Configure
) -> None:
    made = await api.create(MAPS, config_map())
    await configure("Mutating")
    hook.decide = lambda request: patch(
        add("/metadata/uid", "mine"), add("/metadata/resourceVersion", "1"), add("/data", {"a": "b"})
    )
    changed = (await api.patch(f"{MAPS}/m", {"metadata": {"labels": {"a": "b"}}})).body
    assert changed["metadata"]["uid"] == made["metadata"]["uid"]
    assert changed["data"] == {"a": "b"}
    hook.decide = lambda request: patch(add("/metadata/namespace", "kube-system"))
    moved = await api("POST", MAPS, config_map("other"))
    assert (moved.status, moved.message) == (
        400,
        "the namespace of the provided object does not match the namespace sent on the request",
    )


@pytest.mark.parametrize(
    ("response", "why"),
    [
        ({"patch": "W10="}, "webhook returned response.patch but not response.patchType"),
        ({"patchType": "JSONPatch"}, "webhook returned response.patchType but not response.patch"),
        ({"patchType": "MergePatch", "patch": "W10="}, 'unsupported patch type "MergePatch"'),
    ],
)
async def test_patch_and_its_type_come_together(
    api: Api, hook: WebhookServer, configure: Configure, response: Object, why: str
) -> None:
    await configure("Mutating")
    hook.decide = lambda request: {"allowed": True, **response}
    answer = await api("POST", MAPS, config_map())
    assert answer.message.endswith(f"received invalid webhook response: {why}")


async def test_a_delete_cannot_be_patched(api: Api, hook: WebhookServer, configure: Configure) -> None:
    await api.create(MAPS, config_map())
    await configure("Mutating")
    hook.decide = lambda request: patch(add("/data", {}))
    answer = await api("DELETE", f"{MAPS}/m")
    assert answer.status == 500
    assert answer.message.endswith("attempted to modify the object, which is not supported for this operation")


async def test_a_version_of_before_is_spoken_where_the_webhook_wants_it(
    api: Api, hook: WebhookServer, configure: Configure
) -> None:
    await configure("Mutating", admissionReviewVersions=["v1beta1"])
    hook.decide = lambda request: {
        "uid": "",
        "allowed": True,
        "patch": "W3sib3AiOiJhZGQiLCJwYXRoIjoiL2RhdGEiLCJ2YWx1ZSI6eyJhIjoiYiJ9fV0=",
    }
    assert (await api.create(MAPS, config_map()))["data"] == {"a": "b"}
    assert hook.reviews[0]["apiVersion"] == "admission.k8s.io/v1beta1"


async def test_long_warnings_are_shortened(api: Api, hook: WebhookServer, configure: Configure) -> None:
    await configure("Mutating")
    hook.decide = lambda request: {"allowed": True, "warnings": [f"{i}" * 300 for i in range(10)] * 2 + ["x" * 2000]}
    reply = await api.reply("POST", MAPS, config_map())
    warnings = [value for name, value in reply.headers if name == "Warning"]
    assert [len(each) for each in warnings] == [len('299 - ""') + 256] * 11
    assert orjson.loads(reply.body)["metadata"]["name"] == "m"  # type: ignore[union-attr,arg-type]


async def test_managed_fields_of_a_webhook_that_cannot_be_read_are_thrown_away_with_a_warning(
    api: Api, hook: WebhookServer, configure: Configure
) -> None:
    await configure("Mutating")
    hook.decide = lambda request: patch(add("/metadata/managedFields/0/operation", "Destroy"), add("/data", {"a": "1"}))
    made = await api("POST", MAPS, config_map(data={"b": "1"}), {"user-agent": "me/1"})
    (entry,) = made.body["metadata"]["managedFields"]
    assert made.body["data"] == {"a": "1"}
    assert (entry["operation"], entry["fieldsV1"]) == ("Update", {"f:data": {".": {}, "f:b": {}}})
    assert made.headers["Warning"] == (
        '299 - ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated'
        ' mutating admission controller; please fix your requests: operation must be `Apply` or `Update`"'
    )


async def test_what_a_webhook_adds_to_an_apply_is_nobodys_and_stays(
    api: Api, hook: WebhookServer, configure: Configure
) -> None:
    await configure("Mutating")
    hook.decide = lambda request: patch(add("/data/hook", "x"))
    target = f"{MAPS}/m?fieldManager=me"
    kind = {"content-type": "application/apply-patch+yaml"}
    applied = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"a": "1"}}
    made = await api("PATCH", target, applied, kind)
    assert (made.status, made.body["data"]) == (201, {"a": "1", "hook": "x"})
    again = (await api("PATCH", target, {**applied, "data": {"a": "2"}}, kind)).body
    assert again["data"] == {"a": "2", "hook": "x"}
    (entry,) = again["metadata"]["managedFields"]
    assert (entry["manager"], entry["fieldsV1"]["f:data"]) == ("me", {"f:a": {}})
