"""Directories that change in one step."""

import os

import pytest

from wherry.node.volumes.atomic_writer import write
from wherry.node.volumes.context import File, VolumeProblem


def shown(directory):
    return {name: (directory / name).read_bytes() for name in os.listdir(directory) if not name.startswith("..")}


def test_files_and_modes(tmp_path):
    assert write(tmp_path, {"a": File(b"1", 0o600), "d/b": File(b"2", 0o644)})
    assert (tmp_path / "a").read_bytes() == b"1" and (tmp_path / "d/b").read_bytes() == b"2"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a").is_symlink() and os.readlink(tmp_path / "a") == "..data/a"


def test_changes_at_once_and_only_when_needed(tmp_path):
    first = {"a": File(b"1", 0o644), "b": File(b"1", 0o644)}
    write(tmp_path, first)
    before = os.readlink(tmp_path / "..data")
    assert not write(tmp_path, first) and os.readlink(tmp_path / "..data") == before
    assert write(tmp_path, {"a": File(b"2", 0o644), "c": File(b"2", 0o644)})
    assert shown(tmp_path) == {"a": b"2", "c": b"2"}
    assert not (tmp_path / before).exists()


@pytest.mark.parametrize("path", ["/a", "../a", "..a", "b/../../a", ""])
def test_paths_that_lead_outside(tmp_path, path):
    with pytest.raises(VolumeProblem):
        write(tmp_path / "v", {path: File(b"", 0o644)})
    assert not (tmp_path / "v").exists()
