"""Law: any structural schema serves any JSON: it is stored or refused, never an error of ours, and what is stored stays as it is.

Schemas and objects are drawn at random; half of the objects follow the schema, so that enough of them are stored.
"""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

import pytest

from wherry.api.types import Object
from wherry.base.fake_clock import FakeClock
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api

SEED = int(os.environ.get("WHERRY_SEED", "20260101"))
ROUNDS = int(os.environ.get("WHERRY_ROUNDS", "6"))
OBJECTS = 40
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WHERE = "/apis/law.example.com/v1/namespaces/default/things"
_WORDS = ("", "a", "bb", "10.0.0.1", "2026-01-01", "x y", "ü", "50%")
_NAMES = ("a", "b", "c", "kind", "metadata", "items")


def schema_of(rng: random.Random, depth: int = 0) -> Object:
    """A schema that is structural by the way it is made."""
    kinds = (
        ("string", "integer", "number", "boolean")
        if depth > 3
        else ("string", "integer", "object", "array", "map", "any")
    )
    kind = rng.choice(kinds)
    if kind == "any":
        return rng.choice(({"x-kubernetes-int-or-string": True}, {"x-kubernetes-preserve-unknown-fields": True}))
    found: Object = {"nullable": True} if rng.random() < 0.2 else {}
    if kind == "object":
        names = rng.sample(_NAMES, rng.randint(0, 3))
        properties = {name: schema_of(rng, depth + 1) for name in names}
        return {
            **found,
            "type": "object",
            "properties": properties,
            "required": rng.sample(names, rng.randint(0, len(names))),
        }
    if kind == "map":
        return {**found, "type": "object", "additionalProperties": schema_of(rng, depth + 1), "maxProperties": 2}
    if kind == "array":
        return {**found, "type": "array", "items": schema_of(rng, depth + 1), "maxItems": rng.randint(0, 4)}
    limits: dict[str, tuple[Object, ...]] = {
        "string": (
            {},
            {"maxLength": 2},
            {"pattern": "^a|b$"},
            {"format": "ipv4"},
            {"enum": ["a", "bb"]},
            {"default": "a"},
        ),
        "integer": ({}, {"minimum": 0}, {"maximum": 9, "exclusiveMaximum": True}, {"multipleOf": 3}, {"default": 3}),
    }
    extra = rng.choice(limits.get(kind, ({},)))
    if rng.random() < 0.2:
        extra = {**extra, rng.choice(("anyOf", "oneOf", "allOf")): [{"maxLength": 1}, {"maximum": 5}]}
    return {**found, "type": kind, **extra}


def anything(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.randrange(8 if depth < 4 else 6)
    plain = (None, True, rng.randint(-3, 2**40), 1.5, 3.0, rng.choice(_WORDS))
    if kind < 6:
        return plain[kind]
    if kind == 6:
        return [anything(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    return {name: anything(rng, depth + 1) for name in rng.sample(_NAMES, rng.randint(0, 3))}


def following(rng: random.Random, schema: Object) -> Any:
    """A value of the right type, now and then of another."""
    if rng.random() < 0.05:
        return anything(rng)
    kind = schema.get("type")
    if kind == "object":
        properties = schema.get("properties", {})
        found = {name: following(rng, inner) for name, inner in properties.items()}
        if "additionalProperties" in schema:
            found["key"] = following(rng, schema["additionalProperties"])
        return found
    if kind == "array":
        return [following(rng, schema["items"]) for _ in range(rng.randint(0, min(2, schema["maxItems"])))]
    values: dict[Any, Any] = {"integer": 3, "number": 1.5, "boolean": True}
    return values.get(kind, rng.choice(("a", "bb", "10.0.0.1")))


def definition(schema: Object) -> Object:
    root = {"type": "object", "properties": {"spec": schema}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": root}}
    return {
        "metadata": {"name": "things.law.example.com"},
        "spec": {
            "group": "law.example.com",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [version],
        },
    }


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS * 4))
async def test_any_schema_takes_or_refuses_any_object(seed: int) -> None:
    rng = random.Random(seed)
    schema = schema_of(rng)
    async with in_process_server(clock=FakeClock()) as server:
        api = Api(server, server.parts.clock)  # type: ignore[arg-type]
        made = await api("POST", DEFINITIONS, definition(schema))
        assert made.status in (201, 422), made.raw
        if made.status == 422:
            return
        for _ in range(60):
            await asyncio.sleep(0)
        for number in range(OBJECTS):
            spec = following(rng, schema) if number % 2 else anything(rng)
            await _take_or_refuse(api, f"thing{number}", spec)


async def _take_or_refuse(api: Api, name: str, spec: Any) -> None:
    body = {"metadata": {"name": name}, "spec": spec}
    answer = await api("POST", WHERE, body)
    assert answer.status in (201, 400, 422), answer.raw
    if answer.status != 201:
        return
    stored = answer.body
    again = await api("PUT", f"{WHERE}/{name}?fieldValidation=Strict", stored)
    assert again.status == 200, again.raw
    assert again.body == stored, "what was stored is not what is stored when it is written again"
    custom = api.server.parts.registry.find("law.example.com", "v1", "things")
    assert custom is not None and custom.resource.custom is not None
    assert custom.resource.custom.as_served(stored) is stored
