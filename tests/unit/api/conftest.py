"""Golden cases: a test module with `GOLDENS = "folder"` gets one `case` per entry of the YAML files in goldens/folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent / "goldens"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    folder = getattr(metafunc.module, "GOLDENS", None)
    if folder is None or "case" not in metafunc.fixturenames:
        return
    found = []
    for path in sorted((HERE / folder).glob("*.yaml")):
        found += [pytest.param(case, id=f"{path.stem}: {case['name']}") for case in yaml.safe_load(path.read_text())]
    assert found, f"no golden cases in {folder}"
    metafunc.parametrize("case", found)
