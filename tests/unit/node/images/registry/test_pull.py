"""Pulling from a registry on loopback."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.base.clock import RealClock
from wherry.node.images.registry.pull import client_for
from wherry.node.images.store import ImageStore
from wherry.node.runtimes.port import ImageInvalid, ImageMissing, Login
from wherry.testing.images import Layer, architecture, configuration, write_docker_archive, write_layout
from wherry.testing.registry import TestRegistry, running_registry

OWNER = {"uid": os.getuid(), "gid": os.getgid()}
BASE = Layer().add("base", random.Random(1).randbytes(300_000), **OWNER).data()
TOP = Layer().add("top", "2", **OWNER).data()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[TestRegistry]:
    with running_registry() as running:
        running.layouts["me/app"] = write_layout(tmp_path / "app", "x:1", [BASE], platforms=["ppc", architecture()])
        running.layouts["me/more"] = write_layout(tmp_path / "more", "x:1", [BASE, TOP])
        yield running


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "store", clock=RealClock(), registries=True)


async def test_an_image_of_several_platforms(registry: TestRegistry, store: ImageStore, tmp_path: Path) -> None:
    name = f"{registry.address}/me/app"
    image = await store.pull(name)
    assert image.names[0] == f"{name}:latest"
    assert image.names[1] == f"{name}@{registry.manifest_entry('me/app')['digest']}"
    assert [path.name for path in store.layers(image)[0].iterdir()] == ["base"]
    assert not list((tmp_path / "store").glob(".pull-*"))
    assert await store.pull(image.names[1]) == image


async def test_layers_that_are_here_are_not_fetched_again(registry: TestRegistry, store: ImageStore) -> None:
    await store.pull(f"{registry.address}/me/app")
    registry.requests.clear()
    image = await store.pull(f"{registry.address}/me/more")
    assert len([request for request in registry.requests if "/blobs/" in request]) == 2
    assert len(store.layers(image)) == 2


async def test_a_second_pull_only_asks_whether_it_changed(
    registry: TestRegistry, store: ImageStore, tmp_path: Path
) -> None:
    name = f"{registry.address}/me/app:1"
    old = await store.pull(name)
    registry.requests.clear()
    assert await store.pull(name) == old
    assert registry.requests == ["HEAD /v2/me/app/manifests/1"]
    registry.layouts["me/app"] = write_layout(tmp_path / "new", "x:1", [TOP], configuration([TOP], Cmd=["new"]))
    new = await store.pull(name)
    assert new.command == ("new",)
    assert store.find(name) == new
    assert store.find(old.id) is None


async def test_an_old_image_does_when_the_registry_is_away(
    registry: TestRegistry, store: ImageStore, tmp_path: Path
) -> None:
    with running_registry() as other:
        other.layouts["me/app"] = registry.layouts["me/app"]
        name = f"{other.address}/me/app:1"
        image = await store.pull(name)
    assert await store.pull(name) == image


async def test_imported_images_need_no_registry(store: ImageStore, tmp_path: Path) -> None:
    (image,) = store.import_path(write_docker_archive(tmp_path / "a.tar", ["127.0.0.1:1/me/app:1"], [TOP]))
    assert await store.pull("127.0.0.1:1/me/app:1") == image
    with pytest.raises(ImageMissing, match=r"cannot be reached: .*wherry image import FILE"):
        await store.pull("127.0.0.1:1/me/app:2")


async def test_tokens_are_fetched_and_not_sent_to_others(registry: TestRegistry, store: ImageStore) -> None:
    registry.token = "secret"
    registry.redirect_blobs = True
    await store.pull(f"{registry.address}/me/app")
    assert any(request.startswith("GET /token?scope=repository%3Ame%2Fapp%3Apull") for request in registry.requests)
    assert any("/moved/" in request for request in registry.requests)


async def test_a_download_goes_on_where_it_broke_off(registry: TestRegistry, store: ImageStore) -> None:
    registry.break_off_after = 120_000
    image = await store.pull(f"{registry.address}/me/app")
    assert (store.layers(image)[0] / "base").stat().st_size == 300_000


async def test_what_a_registry_has_not(registry: TestRegistry, store: ImageStore, tmp_path: Path) -> None:
    with pytest.raises(ImageMissing, match=r'failed to pull image ".*/me/none:1": not found'):
        await store.pull(f"{registry.address}/me/none:1")
    registry.layouts["me/app"] = write_layout(tmp_path / "foreign", "x:1", [BASE], platforms=["ppc"])
    with pytest.raises(ImageInvalid, match="the image is for linux/ppc"):
        await store.pull(f"{registry.address}/me/app")
    for blob in (registry.layouts["me/more"] / "blobs" / "sha256").iterdir():
        if blob.read_bytes().startswith(b"\x1f\x8b"):
            blob.write_bytes(b"something else")
    with pytest.raises(ImageMissing, match="sent a blob that is not"):
        await store.pull(f"{registry.address}/me/more")


async def test_without_registries_the_way_out_is_said(tmp_path: Path) -> None:
    with pytest.raises(ImageMissing, match="wherry image import FILE"):
        await ImageStore(tmp_path, clock=RealClock()).pull("nginx")


def test_where_names_lead() -> None:
    client, reference = client_for("docker.io/library/nginx:1.27")
    assert (client._base, reference) == ("https://registry-1.docker.io/v2/library/nginx", "1.27")
    client, reference = client_for(f"localhost:5000/a/b@sha256:{'a' * 64}")
    assert (client._base, reference) == ("http://localhost:5000/v2/a/b", f"sha256:{'a' * 64}")


@pytest.mark.parametrize("token", ["", "t0ken"])
async def test_a_login_is_shown_for_a_token_or_as_it_is(registry: TestRegistry, store: ImageStore, token: str) -> None:
    registry.basic, registry.token, registry.redirect_blobs = "jane:secret", token, True
    name = f"{registry.address}/me/more"
    for login in (None, Login("jane", "wrong")):
        with pytest.raises(ImageMissing, match="pull access denied"):
            await store.pull(name, login)
    assert (await store.pull(name, Login("jane", "secret"))).names[0].startswith(name)
