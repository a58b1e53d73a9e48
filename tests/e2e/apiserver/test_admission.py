"""The real kubectl against webhooks over TLS: what it prints of refusals and warnings, and a Service's certificate."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.e2e.apiserver.test_kubectl import Kubectl

from wherry.api.types import Object
from wherry.testing.served import served
from wherry.testing.webhooks import patch, webhook_server

pytestmark = pytest.mark.e2e


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    async with served(tmp_path) as at:
        yield Kubectl(at, tmp_path)


def configuration(kind: str, client: Object) -> str:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    hook = {
        "name": "maps.example.org",
        "clientConfig": client,
        "rules": [rule],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return json.dumps(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"{kind}WebhookConfiguration",
            "metadata": {"name": "maps"},
            "webhooks": [hook],
        }
    )


async def test_kubectl_shows_what_webhooks_say_and_do(kubectl: Kubectl, tmp_path: Path) -> None:
    def decide(request: Object) -> Object:
        if request["name"] == "bad":
            return {"allowed": False, "status": {"message": "it is bad", "code": 403, "reason": "Forbidden"}}
        return patch({"op": "add", "path": "/data", "value": {"by": "webhook"}}, warnings=["patched for you"])

    async with webhook_server(tmp_path / "keys", decide) as hook:
        await kubectl("apply", "-f", "-", stdin=configuration("Mutating", hook.config()))
        refused = await kubectl("create", "configmap", "bad", fails=True)
        assert 'admission webhook "maps.example.org" denied the request: it is bad' in refused
        await kubectl("create", "configmap", "good")
        assert await kubectl("get", "configmap", "good", "-o", "jsonpath={.data.by}") == "webhook"
        dry = await kubectl("create", "configmap", "dry", "--dry-run=server", "-o", "jsonpath={.data.by}")
        assert dry == "webhook"
    gone = await kubectl("create", "configmap", "later", fails=True)
    assert 'failed calling webhook "maps.example.org": failed to call webhook: Post "https://localhost:' in gone
    await kubectl("delete", "mutatingwebhookconfiguration", "maps")
    await kubectl("create", "configmap", "later")
