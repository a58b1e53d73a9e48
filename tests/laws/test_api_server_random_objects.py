"""Law: whatever fits the schema of a kind is stored or refused, shown as a table, patched and deleted; never an error of ours.

Objects are drawn at random from the schema itself, so that defaults, strategies, validation and tables meet every field.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from typing import Any

import pytest

from wherry.api.resources import BUILTIN, Resource
from wherry.api.schema.definitions import name_of, structure
from wherry.base.fake_clock import FakeClock
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api

SEED = int(os.environ.get("WHERRY_SEED", "20260101"))
ROUNDS = int(os.environ.get("WHERRY_ROUNDS", "6"))
_WORDS = (
    "",
    "a",
    "x.y/z",
    "NotIn",
    "Always",
    "TCP",
    "1",
    "100m",
    "5Gi",
    "50%",
    "None",
    "*",
    "kubernetes.io/x",
    "10.0.0.1",
)
_TIME = "2026-01-01T00:00:00Z"
_TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


class Draw:
    """Random values of a schema."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def value(self, schema: Mapping[str, Any], depth: int = 0) -> Any:
        rng = self.rng
        if "$ref" in schema:
            return self.named(schema["$ref"].rpartition("/")[2], depth)
        kind = schema.get("type")
        if kind == "string":
            if schema.get("format") == "date-time":
                return _TIME
            return "YQ==" if schema.get("format") == "byte" else rng.choice(_WORDS)
        if kind == "integer":
            return rng.choice((0, 1, -1, 7, 100, 2**31 - 1))
        if kind == "boolean":
            return rng.random() < 0.5
        if kind == "number":
            return rng.choice((0, 1.5))
        if kind == "array":
            return [self.value(schema["items"], depth + 1) for _ in range(rng.choice((0, 1, 1, 2)))]
        if "additionalProperties" in schema:
            inner = schema["additionalProperties"]
            return {rng.choice(_WORDS): self.value(inner, depth + 1) for _ in range(rng.choice((0, 1, 2)))}
        return self.struct(schema, depth)

    def named(self, name: str, depth: int) -> Any:
        last = name.rpartition(".")[2]
        if last in ("Time", "MicroTime"):
            return _TIME if last == "Time" else "2026-01-01T00:00:00.000000Z"
        if last == "Quantity":
            return self.rng.choice(("1", "100m", "5Gi", "-1", "0"))
        if last == "IntOrString":
            return self.rng.choice((1, 80, "50%", "http", -1))
        return self.value(structure()[name], depth)

    def struct(self, schema: Mapping[str, Any], depth: int) -> Any:
        likely = max(0.15, 0.8 - depth * 0.12)
        needed = schema.get("required") or ()
        return {
            field: self.value(inner, depth + 1)
            for field, inner in (schema.get("properties") or {}).items()
            if (field in needed or self.rng.random() < likely) and depth < 14
        }


def drawn(resource: Resource, rng: random.Random, name: str) -> dict[str, Any]:
    definition = name_of(resource.api_version, resource.kind)
    obj: dict[str, Any] = Draw(rng).value(structure()[definition]) if definition else {}
    metadata = obj.setdefault("metadata", {}) if rng.random() < 0.5 else {}
    metadata.pop("namespace", None)
    obj.update(apiVersion=resource.api_version, kind=resource.kind, metadata={**metadata, "name": name})
    for field in ("labels", "annotations", "finalizers", "ownerReferences", "generateName"):
        obj["metadata"].pop(field, None)
    return obj


def fine(answer: Any, resource: Resource, what: str, obj: Any) -> None:
    assert answer.status < 500, (SEED, resource.qualified, what, answer.raw[:400], json.dumps(obj)[:3000])


@pytest.mark.parametrize("resource", BUILTIN, ids=lambda r: f"{r.qualified}.{r.version}")
async def test_random_objects(resource: Resource) -> None:
    rng = random.Random(f"{SEED} {resource.api_version} {resource.plural}")
    clock = FakeClock()
    async with in_process_server(clock=clock) as server:
        api = Api(server, clock)
        where = resource.path("default" if resource.namespaced else None)
        for number in range(ROUNDS):
            name = f"n{number}"
            obj = drawn(resource, rng, name)
            answer = await api("POST", where, obj)
            fine(answer, resource, "create", obj)
            if "list" not in resource.verbs or resource.plural == "componentstatuses":
                continue
            fine(await api("GET", where, headers=_TABLE), resource, "table", obj)
            other = drawn(resource, rng, name)
            for sub in ("", *(f"/{each}" for each in resource.subresources if each in ("status", "scale", "finalize"))):
                fine(await api("PUT", f"{where}/{name}{sub}", other), resource, f"update{sub}", other)
                for kind in ("merge", "strategic"):
                    fine(await api.patch(f"{where}/{name}{sub}", other, kind), resource, f"{kind}{sub}", other)
            fine(await api("GET", where, headers=_TABLE), resource, "table", other)
            if rng.random() < 0.5:
                fine(await api("DELETE", f"{where}/{name}"), resource, "delete", other)
