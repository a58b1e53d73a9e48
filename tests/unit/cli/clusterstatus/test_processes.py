"""Processes as /proc tells of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from wherry.cli.clusterstatus import processes


def test_children_belong_to_the_tree() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert {os.getpid(), child.pid} <= set(processes.tree(os.getpid()))
        assert processes.memory_bytes([os.getpid()]) > 2**20
        assert 0 <= processes.age_seconds(child.pid) < 60
    finally:
        child.communicate(b"\n")
    assert processes.memory_bytes([child.pid]) == 0
    assert processes.age_seconds(child.pid) == 0


def test_no_shims_below_an_empty_folder(tmp_path: Path) -> None:
    assert processes.shims(tmp_path) == []
