from __future__ import annotations

import copy

import pytest

from wherry.api import defaults
from wherry.api.defaults.containers import pull_policy
from wherry.api.resources import BUILTIN, lookup

GOLDENS = "defaults"


def test_golden(case):
    obj = copy.deepcopy(case["input"])
    defaults.apply(lookup(case["resource"]), obj)
    assert obj == case["output"]


def test_defaults_are_stable(case):
    resource, obj = lookup(case["resource"]), copy.deepcopy(case["output"])
    defaults.apply(resource, obj)
    assert obj == case["output"]


@pytest.mark.parametrize("resource", BUILTIN, ids=lambda r: f"{r.qualified}/{r.version}")
def test_every_kind_survives_an_object_without_anything(resource):
    obj = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "x"}}
    defaults.apply(resource, obj)
    assert obj["metadata"]["name"] == "x"


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1", "IfNotPresent"),
        ("host:5000/nginx", "Always"),
        ("host:5000/nginx:1", "IfNotPresent"),
        ("nginx@sha256:" + "0" * 64, "IfNotPresent"),
        ("nginx:latest@sha256:" + "0" * 64, "Always"),
    ],
)
def test_pull_policy(image, policy):
    assert pull_policy(image) == policy
