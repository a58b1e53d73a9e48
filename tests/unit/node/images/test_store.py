"""The image store: imports are whole or not there, layers are shared, what nothing uses goes away."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from wherry.base import failpoints
from wherry.base.clock import RealClock
from wherry.node.images.host import HOST_IMAGE
from wherry.node.images.store import ImageStore
from wherry.node.runtimes.port import ImageInvalid, ImageMissing, RuntimeFailure
from wherry.testing.images import Layer, architecture, configuration, write_docker_archive, write_layout

BASE = Layer().add("base", "1", uid=os.getuid(), gid=os.getgid()).data()
TOP = Layer().add("top", "2", uid=os.getuid(), gid=os.getgid()).data()
OTHER = {"amd64": "arm64", "arm64": "amd64"}.get(architecture(), "amd64")


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "store", clock=RealClock())


def trees(store: ImageStore, tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "store" / "layers").iterdir())


def test_a_docker_archive(store: ImageStore, tmp_path: Path) -> None:
    config = configuration([BASE, TOP], Cmd=["run"], Entrypoint=["/x"], Env=["A=b=c"], User="7", WorkingDir="/w")
    archive = write_docker_archive(tmp_path / "a.tar", ["app:1"], [BASE, TOP], config)
    (image,) = store.import_path(archive)
    assert image.names == ("docker.io/library/app:1",)
    assert (image.entrypoint, image.command, image.environment) == (("/x",), ("run",), (("A", "b=c"),))
    assert (image.user, image.working_directory) == ("7", "/w")
    assert [next(layer.iterdir()).name for layer in store.layers(image)] == ["top", "base"]
    for reference in ("app:1", "docker.io/library/app:1", image.id):
        assert store.find(reference) == image
    assert store.find("app:2") is None
    assert store.find("BAD NAME") is None


def test_a_compressed_archive(store: ImageStore, tmp_path: Path) -> None:
    plain = write_docker_archive(tmp_path / "a.tar", ["app:1"], [BASE])
    packed = tmp_path / "a.tar.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert store.import_path(packed)[0].names == ("docker.io/library/app:1",)


def test_a_layout_as_directory_and_as_archive(store: ImageStore, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", "host.test/app:1", [BASE, TOP])
    (image,) = store.import_path(layout)
    assert image.names[0] == "host.test/app:1"
    assert image.names[1].startswith("host.test/app@sha256:")
    assert store.find(image.names[1]) == image
    with tarfile.open(tmp_path / "layout.tar", "w") as archive:
        archive.add(layout, ".")
    assert store.import_path(tmp_path / "layout.tar", name="renamed")[0].names[-2:] != ()
    assert store.find("renamed") is not None


def test_this_machines_platform_is_chosen(store: ImageStore, tmp_path: Path) -> None:
    both = write_layout(tmp_path / "both", "app:1", [BASE], platforms=[OTHER, architecture()])
    assert store.import_path(both)
    foreign = write_layout(tmp_path / "foreign", "app:2", [BASE], platforms=[OTHER])
    with pytest.raises(ImageInvalid, match=f"the image is for linux/{OTHER}, this machine is linux/{architecture()}"):
        store.import_path(foreign)
    alone = configuration([BASE]) | {"architecture": OTHER}
    with pytest.raises(ImageInvalid, match="this machine is"):
        store.import_path(write_docker_archive(tmp_path / "x.tar", ["x:1"], [BASE], alone))


def test_layers_are_shared_and_go_with_their_last_image(store: ImageStore, tmp_path: Path) -> None:
    store.import_path(write_docker_archive(tmp_path / "a.tar", ["a:1"], [BASE]))
    store.import_path(write_docker_archive(tmp_path / "b.tar", ["b:1", "b:2"], [BASE, TOP]))
    assert len(trees(store, tmp_path)) == 2
    store.remove_blocking("b:1")
    assert store.find("b:2") is not None
    store.remove_blocking("b:2")
    assert len(trees(store, tmp_path)) == 1
    store.remove_blocking("a:1")
    assert trees(store, tmp_path) == []
    assert not list((tmp_path / "store" / "l").iterdir())
    with pytest.raises(ImageMissing):
        store.remove_blocking("a:1")


def test_a_name_moves_to_the_newest_image(store: ImageStore, tmp_path: Path) -> None:
    (old,) = store.import_path(write_docker_archive(tmp_path / "a.tar", ["a:1", "a:old"], [BASE]))
    (new,) = store.import_path(write_docker_archive(tmp_path / "b.tar", ["a:1"], [TOP]))
    assert store.find("a:1") == new
    found = store.find("a:old")
    assert found is not None
    assert (found.id, found.names) == (old.id, ("docker.io/library/a:old",))


def test_another_process_sees_the_import(store: ImageStore, tmp_path: Path) -> None:
    assert store.find("a:1") is None
    other = ImageStore(tmp_path / "store", clock=RealClock())
    other.import_path(write_docker_archive(tmp_path / "a.tar", ["a:1"], [BASE]))
    assert store.find("a:1") is not None
    other.remove_blocking("a:1")
    assert store.find("a:1") is None


@pytest.mark.parametrize("point", ["images.import.before-layer", "images.import.before-index"])
def test_a_crash_in_the_middle_leaves_nothing_half(store: ImageStore, tmp_path: Path, point: str) -> None:
    archive = write_docker_archive(tmp_path / "a.tar", ["a:1"], [BASE, TOP])
    program = (
        "import sys; from pathlib import Path; from wherry.base.clock import RealClock\n"
        "from wherry.node.images.store import ImageStore\n"
        "ImageStore(Path(sys.argv[1]), clock=RealClock()).import_path(Path(sys.argv[2]))"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), failpoints.ENVIRONMENT: f"{point}=exit"}
    command = [sys.executable, "-c", program, str(tmp_path / "store"), str(archive)]
    assert subprocess.run(command, env=environment, check=False).returncode == failpoints.EXIT_STATUS
    assert store.find("a:1") is None
    store.tidy()
    assert not [name for name in trees(store, tmp_path) if name.startswith(".")]
    assert store.import_path(archive)
    assert len(trees(store, tmp_path)) == 2


def test_leftovers_of_a_killed_import_are_tidied(store: ImageStore, tmp_path: Path) -> None:
    store.import_path(write_docker_archive(tmp_path / "a.tar", ["a:1"], [BASE]))
    (tmp_path / "store" / "layers" / ".new-x" / "deep").mkdir(parents=True)
    store.tidy()
    assert len(trees(store, tmp_path)) == 1


def damaged_layer(tmp_path: Path) -> Path:
    layout = write_layout(tmp_path / "d1", "a:1", [BASE])
    for blob in (layout / "blobs" / "sha256").iterdir():
        if blob.read_bytes().startswith(b"\x1f\x8b"):
            blob.write_bytes(blob.read_bytes()[:-3] + b"xyz")
    return layout


def wrong_diff_id(tmp_path: Path) -> Path:
    config = configuration([TOP])
    return write_docker_archive(tmp_path / "d2.tar", ["a:1"], [BASE], config)


def cut_off(tmp_path: Path) -> Path:
    archive = write_docker_archive(tmp_path / "d3.tar", ["a:1"], [BASE])
    (tmp_path / "d4.tar").write_bytes(archive.read_bytes()[:700])
    return tmp_path / "d4.tar"


def no_image(tmp_path: Path) -> Path:
    with tarfile.open(tmp_path / "d5.tar", "w") as archive:
        archive.add(__file__, "readme")
    return tmp_path / "d5.tar"


def no_archive(tmp_path: Path) -> Path:
    (tmp_path / "d6").write_text("hello")
    return tmp_path / "d6"


def no_name(tmp_path: Path) -> Path:
    return write_docker_archive(tmp_path / "d7.tar", [], [BASE])


def missing(tmp_path: Path) -> Path:
    return tmp_path / "not-there.tar"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (damaged_layer, "is damaged: its content has the digest"),
        (wrong_diff_id, "is damaged: its content has the digest"),
        (cut_off, "cut off|is missing|not an image archive"),
        (no_image, "neither an OCI image layout"),
        (no_archive, "is not an image archive"),
        (no_name, "--name"),
        (missing, "does not exist"),
    ],
)
def test_bad_archives_get_one_line(store: ImageStore, tmp_path: Path, make: object, message: str) -> None:
    with pytest.raises(ImageInvalid, match=message) as caught:
        store.import_path(make(tmp_path))  # type: ignore[operator]
    assert "\n" not in str(caught.value)
    assert store.list() == (HOST_IMAGE,)


async def test_the_host_is_always_there(store: ImageStore) -> None:
    assert await store.pull("wherry.local/host") is HOST_IMAGE
    assert store.find("wherry.local/host:latest") is HOST_IMAGE
    with pytest.raises(RuntimeFailure, match="cannot be removed"):
        await store.remove("wherry.local/host")
    with pytest.raises(ImageMissing, match="wherry image import FILE"):
        await store.pull("nginx")
