"""What the tests of CEL share: an environment with a typed object, and its value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from wherry.machinery.cel.environment import Environment
from wherry.machinery.cel.kubernetes import kubernetes
from wherry.machinery.cel.types import DOUBLE, DYN, INT, STRING, list_of, map_of, object_type

SELF = object_type(
    "Self",
    {
        "replicas": INT,
        "minReplicas": INT,
        "ratio": DOUBLE,
        "name": STRING,
        "names": list_of(STRING),
        "labels": map_of(STRING, STRING),
        "any": DYN,
    },
)
VALUE = {
    "replicas": 3,
    "minReplicas": 1,
    "ratio": 0.5,
    "name": "web",
    "names": ["a", "b"],
    "labels": {"app": "web", "tier": "front"},
    "any": {"list": [1, "x", None], "number": 7},
}


@pytest.fixture(scope="session")
def environment() -> Environment:
    return kubernetes({"self": SELF, "value": DYN})


@pytest.fixture
def evaluate(environment: Environment) -> Callable[[str], Any]:
    return lambda text: environment.compile(text).evaluate({"self": VALUE, "value": VALUE})
