"""Layers are unpacked as they say, and never outside of their directory."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from wherry.node.images.unpack import inside, unpack_layer
from wherry.node.runtimes.port import ImageInvalid
from wherry.testing.images import Layer

as_root = pytest.mark.root


def unpack(layer: Layer, root: Path) -> Path:
    root.mkdir(exist_ok=True)
    unpack_layer(io.BytesIO(layer.data()), str(root))
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("untouched")
    return tmp_path / "tree"


@as_root
def test_what_is_in_it_comes_out(root: Path) -> None:
    layer = Layer().directory("etc", mode=0o750, mtime=1000).add("etc/a", "A", mode=0o4755, uid=5, gid=6, mtime=2000)
    layer.symlink("etc/l", "/etc/a").link("etc/h", "etc/a").add("late", "x")
    layer.add("dev0", kind=tarfile.CHRTYPE, devmajor=1, devminor=3).add("fifo", kind=tarfile.FIFOTYPE)
    tree = unpack(layer, root)
    found = (tree / "etc" / "a").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, found.st_mtime) == (0o4755, 5, 6, 2000)
    assert (tree / "etc").stat().st_mtime == 1000
    assert stat.S_IMODE((tree / "etc").stat().st_mode) == 0o750
    assert os.readlink(tree / "etc" / "l") == "/etc/a"
    assert (tree / "etc" / "h").stat().st_ino == found.st_ino
    assert (tree / "dev0").stat().st_rdev == os.makedev(1, 3)
    assert stat.S_ISFIFO((tree / "fifo").stat().st_mode)


@as_root
def test_whiteouts_become_what_overlayfs_knows(root: Path) -> None:
    tree = unpack(Layer().add("gone/.wh.file").directory("fresh").add("fresh/.wh..wh..opq").add(".wh..wh.plnk"), root)
    node = (tree / "gone" / "file").lstat()
    assert stat.S_ISCHR(node.st_mode)
    assert node.st_rdev == 0
    assert os.getxattr(tree / "fresh", "trusted.overlay.opaque") == b"y"
    assert sorted(path.name for path in tree.iterdir()) == ["fresh", "gone"]


@as_root
def test_a_later_entry_wins(root: Path) -> None:
    layer = Layer().add("x", "file").directory("x").add("x/y", "1").add("x/y", "2").add(".wh.z").add("z", "back")
    tree = unpack(layer, root)
    assert (tree / "x" / "y").read_text() == "2"
    assert (tree / "z").read_text() == "back"


@as_root
def test_links_are_followed_inside_only(root: Path) -> None:
    layer = Layer().symlink("abs", "/inner").symlink("up", "../../outside").symlink("chain", "abs")
    layer.add("abs/a", "1").add("up/secret", "2").add("chain/b", "3")
    tree = unpack(layer, root)
    assert (root.parent / "outside" / "secret").read_text() == "untouched"
    assert (tree / "inner" / "a").read_text() == "1"
    assert (tree / "inner" / "b").read_text() == "3"
    assert (tree / "outside" / "secret").read_text() == "2"


@as_root
def test_replacing_a_link_does_not_touch_its_target(root: Path) -> None:
    outside = root.parent / "outside" / "secret"
    tree = unpack(
        Layer().symlink("file", str(outside)).add("file", "mine").symlink("h", str(outside)).link("i", "h"), root
    )
    assert outside.read_text() == "untouched"
    assert (tree / "file").read_text() == "mine"
    assert (tree / "i").is_symlink()


@pytest.mark.parametrize(
    "layer",
    [
        Layer().add("../evil", "x"),
        Layer().add("a/../../evil", "x"),
        Layer().link("h", "../outside/secret"),
        Layer().link("h", "missing"),
        Layer().symlink("a", "b").symlink("b", "a").add("a/x", "1"),
        Layer().add("d/.wh."),
        Layer().add("d/.wh..."),
    ],
)
def test_bad_layers_are_refused(layer: Layer, root: Path) -> None:
    with pytest.raises(ImageInvalid):
        unpack(layer, root)
    assert sorted(path.name for path in (root.parent / "outside").iterdir()) == ["secret"]
    assert not (root.parent / "evil").exists()


@as_root
def test_attributes_that_steer_overlayfs_are_dropped(root: Path) -> None:
    headers = {"SCHILY.xattr.trusted.overlay.redirect": "/etc", "SCHILY.xattr.user.note": "kept"}
    tree = unpack(Layer().add("x", "1", pax_headers=headers), root)
    assert os.listxattr(tree / "x") == ["user.note"]


def test_not_a_tar(root: Path) -> None:
    root.mkdir()
    with pytest.raises(ImageInvalid, match="damaged"):
        unpack_layer(io.BytesIO(b"no tar" * 1000), str(root))


def test_the_way_inside(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("/real/../real/./")
    assert inside(str(tmp_path), ["link"]) == str(tmp_path / "real")
    assert inside(str(tmp_path), ["..", "..", "real"]) == str(tmp_path / "real")
