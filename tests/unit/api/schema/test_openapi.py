from __future__ import annotations

import time
from typing import Any

from wherry.api.schema import definitions, openapi

POD = "io.k8s.api.core.v1.Pod"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"


def targets(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        own = {schema["$ref"]} if isinstance(schema.get("$ref"), str) else set()
        return own.union(*(targets(value) for value in schema.values()))
    return set().union(*map(targets, schema)) if isinstance(schema, list) else set()


def test_v2() -> None:
    found = openapi.v2_definitions()
    assert found.keys() == definitions.structure().keys()
    assert found[POD]["description"].startswith("Pod is a collection of containers")
    assert found[POD]["properties"]["spec"]["$ref"] == "#/definitions/io.k8s.api.core.v1.PodSpec"
    assert found[POD]["x-kubernetes-group-version-kind"] == [{"group": "", "kind": "Pod", "version": "v1"}]
    assert found[QUANTITY] == {"type": "string"}
    assert {name.removeprefix("#/definitions/") for name in targets(found)} <= found.keys()


def test_v3_of_one_version_is_complete() -> None:
    found = openapi.v3_schemas(openapi.names_of_version("apps/v1"))
    deployment = found["io.k8s.api.apps.v1.Deployment"]
    assert deployment["properties"]["spec"] == {
        "allOf": [{"$ref": "#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec"}],
        "default": {},
        "description": "Specification of the desired behavior of the Deployment.",
    }
    assert found[QUANTITY] == {"oneOf": [{"type": "string"}, {"type": "number"}]}
    assert "io.k8s.api.batch.v1.Job" not in found
    assert {name.removeprefix("#/components/schemas/") for name in targets(found)} <= found.keys()


def test_the_stored_schema_stays_as_it_is() -> None:
    openapi.v3_schemas([POD])[POD]["properties"]["spec"]["mine"] = 1
    assert "mine" not in openapi.v3_schemas([POD])[POD]["properties"]["spec"]
    assert "mine" not in definitions.structure()[POD]["properties"]["spec"]


def test_all_of_it_takes_milliseconds() -> None:
    began = time.perf_counter()
    openapi.v2_definitions()
    assert time.perf_counter() - began < 0.5
