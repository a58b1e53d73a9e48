"""docs/command-line.md says what the commands say."""

from __future__ import annotations

import importlib.util

from .tree import ROOT


def test_the_page_is_what_the_commands_say() -> None:
    spec = importlib.util.spec_from_file_location("cli_reference", ROOT / "tools" / "cli_reference.py")
    assert spec is not None and spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    written = (ROOT / "docs" / "command-line.md").read_text()
    assert written == generator.page(), "run: python tools/cli_reference.py"
