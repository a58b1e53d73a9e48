"""docs/reference/conformance-workloads.md: every title names tests that exist."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache

from tests.architecture.tree import ROOT

PAGE = ROOT / "docs" / "reference" / "conformance-workloads.md"
ROW = re.compile(r"^\| \[(?P<sig>sig-[a-z-]+)\] (?P<title>.+?) \| (?P<proof>.+) \|$", re.M)
PROOF = re.compile(r"(?P<path>[\w/]+\.py)::(?P<name>\w+)(?:\[(?P<case>[\w.-]+)\])?")
TITLES = {"sig-apps": 60, "sig-scheduling": 11}
"""How many upstream has."""


@cache
def functions(path: str) -> frozenset[str]:
    parsed = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return frozenset(n.name for n in parsed.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def rows() -> list[tuple[str, str, list[str]]]:
    text = PAGE.read_text(encoding="utf-8")
    return [(m["sig"], m["title"], [part.strip(" `") for part in m["proof"].split(",")]) for m in ROW.finditer(text)]


def test_every_title_stands_once() -> None:
    found = Counter((sig, title) for sig, title, _ in rows())
    assert not [title for title, count in found.items() if count > 1]
    by_sig = Counter(sig for sig, _ in found)
    assert by_sig.items() >= TITLES.items()


def test_every_proof_exists() -> None:
    for _, title, proofs in rows():
        for proof in proofs:
            match = PROOF.fullmatch(proof)
            assert match is not None, f"{title}: {proof}"
            assert match["name"] in functions(match["path"]), f"{title}: {proof}"
            if match["case"]:
                text = (ROOT / "tests" / match["path"]).read_text(encoding="utf-8")
                assert f'"{match["case"]}"' in text, f"{title}: no case {match['case']}"
