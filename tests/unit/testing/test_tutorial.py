"""The tutorial shows what the example has, line by line; the examples are run by the tests."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_the_tutorial_shows_the_example() -> None:
    text = (ROOT / "docs/testing.md").read_text()
    tutorial = text[text.index("## A tutorial") : text.index("## The cluster")]
    example = (ROOT / "examples/10-test-an-operator/test_websites.py").read_text().splitlines()
    have = {line.partition("#")[0].strip() for line in example}
    shown = [line.strip() for block in _BLOCK.findall(tutorial) for line in block.splitlines() if line.strip()]
    assert shown
    assert [line for line in shown if line not in have] == []
