"""docs/reference/api-conformance.md says what the code says, and every claim in it names tests that exist."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture.tree import ROOT
from wherry.api.resources import BUILTIN


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("api_conformance", ROOT / "tools" / "api_conformance.py")
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def text(tool: ModuleType) -> str:
    page: Path = tool.PAGE
    return page.read_text(encoding="utf-8")


def test_the_page_is_what_the_tool_makes_of_the_code(tool: ModuleType, text: str) -> None:
    assert text == tool.page(text), "run: python tools/api_conformance.py"


def test_every_resource_is_judged(tool: ModuleType, text: str) -> None:
    known = tool.written(text)
    assert known.keys() == {resource.qualified for resource in BUILTIN}
    for name, (behaviour, differs) in known.items():
        assert behaviour in tool.STATES, name
        assert behaviour == "yes" or differs, f"{name}: say what differs"


def test_every_feature_names_its_state_and_its_proof(tool: ModuleType, text: str) -> None:
    rows = tool.features(text)
    assert len(rows) > 40
    for feature, state, differs, proof in rows:
        assert state in tool.STATES, feature
        assert state == "yes" or differs, f"{feature}: say what differs"
        paths = [part.strip("` ") for part in proof.split(",") if part.strip("` –")]
        assert paths or state == "no", f"{feature}: name the tests"
        missing = [path for path in paths if not (ROOT / "tests" / path).exists()]
        assert not missing, f"{feature}: {missing}"
