"""The build step that boils the published definitions down."""

from __future__ import annotations

import gzip
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def hatch_build() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "hatch_build.py"
    spec = importlib.util.spec_from_file_location("hatch_build", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_schema_as_published(hatch_build: ModuleType) -> None:
    source = {
        "description": "A thing.",
        "type": ["object", "null"],
        "required": ["a"],
        "properties": {
            "kind": {"type": ["string", "null"], "enum": ["Thing"], "description": "Its kind."},
            "a": {"type": "array", "items": {"$ref": "#/$defs/x.Y"}, "x-kubernetes-list-type": "atomic"},
            "description": {"type": ["integer", "null"], "format": "int32"},
        },
    }
    assert hatch_build.simplify(source) == {
        "type": "object",
        "required": ["a"],
        "properties": {
            "kind": {"type": "string"},
            "a": {"type": "array", "items": {"$ref": "#/definitions/x.Y"}, "x-kubernetes-list-type": "atomic"},
            "description": {"type": "integer", "format": "int32"},
        },
    }
    assert hatch_build.describe(source) == ["A thing.", {"kind": "Its kind."}]
    assert list(hatch_build.references(source)) == ["x.Y"]


def test_the_same_input_gives_the_same_bytes(hatch_build: ModuleType) -> None:
    packed = hatch_build.pack({"a": "é"})
    assert packed == hatch_build.pack({"a": "é"})
    assert json.loads(gzip.decompress(packed)) == {"a": "é"}
