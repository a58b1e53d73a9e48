"""The files that people write, as the tests of this folder see them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "wherry"
FOLDERS = ("src", "tests", "docs", "examples", "bench", "tools", ".ci")
_MADE = {"__pycache__", ".venv", "node_modules"}


def files(*suffixes: str, below: Path = ROOT) -> Iterator[Path]:
    """Every file with one of these suffixes (any where none is named), generated ones left out."""
    tops = [below] if below != ROOT else [path for path in sorted(ROOT.iterdir()) if path.name in FOLDERS]
    own = [path for path in sorted(ROOT.iterdir()) if path.is_file() and path.name != ".git"] if below == ROOT else []
    for path in (*own, *(path for top in tops for path in sorted(top.rglob("*")))):
        if path.is_file() and not _MADE & set(path.parts) and (not suffixes or path.suffix in suffixes):
            yield path


def text_files() -> Iterator[tuple[Path, str]]:
    """Every file that is text, with its text."""
    for path in files():
        try:
            yield path, path.read_text()
        except UnicodeDecodeError:
            continue


def name(path: Path) -> str:
    """As messages show it."""
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))
