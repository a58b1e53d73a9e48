"""Files stay small, say what they are, and are named for one idea."""

from __future__ import annotations

import ast
import re

from .tree import ROOT, SOURCE, files, name, parsed

MAX_LINES = 450
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "stuff", "tools"}
"""`controllers/manager.py` is upstream's own word: the controller manager; `node/tools.py` holds what its name says."""
ALLOWED_NAMES = {"src/wherry/controllers/manager.py", "src/wherry/node/tools.py"}


def test_no_file_is_the_file() -> None:
    long = {name(path): lines for path in files(".py") if (lines := path.read_text().count("\n")) > MAX_LINES}
    assert not long, f"split these by idea, they have more than {MAX_LINES} lines: {long}"


def test_names_say_what_is_inside() -> None:
    found = {
        name(path)
        for path in SOURCE.rglob("*")
        if path.stem in NAMES_THAT_SAY_NOTHING and (path.is_dir() or path.suffix == ".py") and "__" not in path.stem
    }
    assert found <= ALLOWED_NAMES, f"name these for what they do: {sorted(found - ALLOWED_NAMES)}"


def test_every_module_says_what_it_is() -> None:
    silent = [name(path) for path in files(".py", below=SOURCE) if not (ast.get_docstring(parsed(path)) or "").strip()]
    assert not silent, f"no docstring: {silent}"


def test_every_folder_of_the_source_is_a_package() -> None:
    folders = {path.parent for path in files(".py", below=SOURCE)}
    assert not [name(folder) for folder in folders if not (folder / "__init__.py").exists()]


def test_the_map_in_architecture_names_every_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    drawn = set(re.findall(r"^  (\w+)/ ", text, re.M))
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert drawn == rooms, f"only drawn: {drawn - rooms}; only there: {rooms - drawn}"


def test_every_room_stands_in_the_import_contract() -> None:
    contract = (ROOT / ".importlinter").read_text()
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert not [room for room in rooms if f"(wherry.{room})" not in contract]
