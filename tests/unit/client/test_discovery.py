"""Names that people use for resources."""

from __future__ import annotations

import pytest

from wherry.api.resources import BUILTIN, lookup
from wherry.client.discovery import from_aggregated, from_list, match


@pytest.mark.parametrize(
    ("name", "qualified"),
    [
        ("po", "pods"),
        ("pod", "pods"),
        ("Pods", "pods"),
        ("deploy", "deployments.apps"),
        ("Deployment.apps", "deployments.apps"),
        ("deployments.v1.apps", "deployments.apps"),
        ("events", "events"),
        ("events.events.k8s.io", "events.events.k8s.io"),
        ("netpol.networking", "networkpolicies.networking.k8s.io"),
        ("crd", "customresourcedefinitions.apiextensions.k8s.io"),
    ],
)
def test_match(name: str, qualified: str) -> None:
    assert match(name, BUILTIN) == lookup(qualified)


def test_match_knows_what_it_does_not_know() -> None:
    assert match("widgets", BUILTIN) is None
    assert match("pods.apps", BUILTIN) is None


def test_both_forms_of_discovery_say_the_same() -> None:
    plain = from_list(
        {
            "groupVersion": "x.io/v1",
            "resources": [
                {"name": "widgets", "singularName": "widget", "kind": "Widget", "namespaced": True, "verbs": ["get"]},
                {"name": "widgets/status", "kind": "Widget", "namespaced": True, "verbs": ["get"]},
            ],
        }
    )
    widgets = {
        "resource": "widgets",
        "singularResource": "widget",
        "responseKind": {"kind": "Widget"},
        "scope": "Namespaced",
        "verbs": ["get"],
        "subresources": [{"subresource": "status"}],
    }
    aggregated = from_aggregated(
        {"metadata": {"name": "x.io"}, "versions": [{"version": "v1", "resources": [widgets]}]}
    )
    assert plain == aggregated
    assert plain[0].subresources == ("status",)
