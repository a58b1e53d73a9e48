"""Webhooks for the tests: a real server over TLS, and a way to configure it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from wherry.api.types import Object
from wherry.testing.http import Api
from wherry.testing.webhooks import WebhookServer, webhook_server

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1"
MAPS = "/api/v1/namespaces/default/configmaps"
MAPS_RULE: Object = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE", "UPDATE", "DELETE"],
    "resources": ["configmaps"],
}
Configure = Callable[..., Awaitable[Object]]


@pytest.fixture(scope="session")
def webhook_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("webhook-keys")


@pytest.fixture
async def hook(webhook_keys: Path) -> AsyncIterator[WebhookServer]:
    async with webhook_server(webhook_keys) as server:
        yield server


def webhook(hook: WebhookServer, name: str = "check.example.org", **rest: Any) -> Object:
    found = {
        "name": name,
        "clientConfig": hook.config(),
        "rules": [MAPS_RULE],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return {**found, **rest}


@pytest.fixture
def configure(api: Api, hook: WebhookServer) -> Configure:
    """Write a configuration with one webhook, which leads to the server unless told otherwise."""

    async def create(
        kind: str = "Validating", *, configuration: str = "c", name: str = "check.example.org", **rest: Any
    ) -> Object:
        obj = {"metadata": {"name": configuration}, "webhooks": [webhook(hook, name, **rest)]}
        return await api.create(f"{CONFIGURATIONS}/{kind.lower()}webhookconfigurations", obj)

    return create


def config_map(name: str = "m", **rest: Any) -> Object:
    return {"metadata": {"name": name}, **rest}
