"""Policies for the tests, with a way to put one in force."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from wherry.api.types import Object
from wherry.testing.http import Api

POLICIES = "/apis/admissionregistration.k8s.io/v1"
MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
Enforce = Callable[..., Awaitable[None]]


def rule(
    *resources: str, group: str = "", version: str = "v1", operations: tuple[str, ...] = ("CREATE", "UPDATE")
) -> Object:
    return {
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": list(operations),
        "resources": list(resources),
    }


def config_map(name: str = "m", **data: str) -> Object:
    return {"metadata": {"name": name}, "data": data}


def deployment(replicas: int = 1, name: str = "web", image: str = "web", **metadata: Any) -> Object:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": image}]}}
    return {
        "metadata": {"name": name, **metadata},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


@pytest.fixture
def enforce(api: Api) -> Enforce:
    """Write a validating policy for configmaps and a binding; `actions` and `binding` are the binding's."""

    async def create(
        *expressions: str | Object,
        name: str = "p",
        rules: tuple[Object, ...] = (rule("configmaps"),),
        actions: tuple[str, ...] = ("Deny",),
        binding: Object | None = None,
        constraints: Object | None = None,
        **spec: Any,
    ) -> None:
        validations = [each if isinstance(each, dict) else {"expression": each} for each in expressions]
        policy = {
            "metadata": {"name": name},
            "spec": {
                "matchConstraints": {"resourceRules": list(rules), **(constraints or {})},
                "validations": validations,
                **spec,
            },
        }
        await api.create(f"{POLICIES}/validatingadmissionpolicies", policy)
        bound = {"policyName": name, "validationActions": list(actions), **(binding or {})}
        await api.create(
            f"{POLICIES}/validatingadmissionpolicybindings", {"metadata": {"name": f"{name}-b"}, "spec": bound}
        )

    return create
