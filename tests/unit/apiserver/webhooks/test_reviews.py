"""Reviews are not stored, but webhooks are asked about them like about what is."""

from __future__ import annotations

from tests.unit.apiserver.webhooks.conftest import Configure

from wherry.testing.http import Api
from wherry.testing.webhooks import WebhookServer, patch

SAR = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
RULE = {
    "apiGroups": ["authorization.k8s.io", "authentication.k8s.io"],
    "apiVersions": ["v1"],
    "operations": ["CREATE"],
    "resources": ["*"],
}


def question(user: str) -> dict[str, object]:
    return {"spec": {"user": user, "resourceAttributes": {"verb": "get", "resource": "pods"}}}


async def test_a_validating_webhook_may_refuse_a_question(api: Api, hook: WebhookServer, configure: Configure) -> None:
    await configure(rules=[RULE])
    hook.decide = lambda request: {
        "allowed": request["object"]["spec"].get("user") != "eve",
        "status": {"message": "not about her"},
    }
    assert (await api("POST", SAR, question("jane"))).status == 201
    refused = await api("POST", SAR, question("eve"))
    assert refused.status == 400 and refused.message.endswith("denied the request: not about her")
    assert hook.requests[0]["resource"]["resource"] == "subjectaccessreviews"
    assert (await api("POST", SAR, {"spec": {"user": "jane"}})).status == 422
    assert len(hook.requests) == 2, "what is no question is not shown"


async def test_a_mutating_webhook_may_change_it(api: Api, hook: WebhookServer, configure: Configure) -> None:
    await configure("Mutating", rules=[RULE])
    hook.decide = lambda request: patch({"op": "replace", "path": "/spec/user", "value": "bob"})
    answer = await api("POST", SAR, question("jane"))
    assert answer.status == 201 and answer.body["spec"]["user"] == "bob"
    hook.decide = lambda request: {"allowed": True}
    assert (await api("POST", SELF, {})).body["status"]["userInfo"]["username"] == "kubernetes-admin"
