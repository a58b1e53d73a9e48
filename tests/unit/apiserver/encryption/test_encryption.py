"""Encryption at rest: what lies on disk, what is read back, how keys rotate, and what a wrong configuration is told."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from wherry.apiserver.configuration.problems import ConfigurationError
from wherry.apiserver.encryption import salsa
from wherry.apiserver.encryption.sealing import Sealing
from wherry.base.fake_clock import FakeClock
from wherry.base.log import Logger
from wherry.store.port import StoreError
from wherry.store.sqlite.store import open_sqlite
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api
from wherry.testing.manifests import MAPS, config_map

SECRETS = "/api/v1/namespaces/default/secrets"
IDENTITY: dict[str, Any] = {"identity": {}}


def provider(kind: str, *names: str, size: int = 32) -> dict[str, Any]:
    keys = [{"name": name, "secret": base64.b64encode(name.encode().ljust(size, b"."))[:].decode()} for name in names]
    return {kind: {"keys": keys}}


def write(path: Path, *providers: dict[str, Any], resources: tuple[str, ...] = ("secrets",)) -> Path:
    header = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    entry = {"resources": list(resources), "providers": list(providers)}
    path.write_text(yaml.safe_dump({**header, "resources": [entry]}))
    return path


class Cluster:
    """A server over a file, and what lies in the file."""

    def __init__(self, api: Api, sealing: Sealing, file: Path) -> None:
        self.api = api
        self.sealing = sealing
        self._file = file

    def on_disk(self) -> bytes:
        return b"".join(path.read_bytes() for path in self._file.parent.glob("store.db*"))

    async def value(self, name: str = "one") -> str:
        data = (await self.api("GET", f"{SECRETS}/{name}")).body["data"]
        return base64.b64decode(data["password"]).decode()


@asynccontextmanager
async def serving(clock: FakeClock, directory: Path, config: Path) -> AsyncIterator[Cluster]:
    sealing = Sealing(config, clock=clock, log=Logger("test"))
    store = await open_sqlite(directory / "store.db", seal=sealing)
    try:
        async with in_process_server(clock=clock, store=store) as server:
            yield Cluster(Api(server, clock), sealing, directory / "store.db")
    finally:
        await store.close()


def secret(name: str = "one", value: str = "swordfish") -> dict[str, Any]:
    return {"metadata": {"name": name}, "stringData": {"password": value}}


ENCODED = base64.b64encode(b"swordfish")


@pytest.mark.parametrize("kind", ["aescbc", "aesgcm", "secretbox"])
async def test_a_secret_is_on_disk_only_as_ciphertext_and_read_back_after_a_restart(
    clock: FakeClock, tmp_path: Path, kind: str
) -> None:
    config = write(tmp_path / "encryption.yaml", provider(kind, "key1"), IDENTITY)
    async with serving(clock, tmp_path, config) as cluster:
        await cluster.api.create(SECRETS, secret())
        await cluster.api.create(MAPS, config_map("plain"))
        assert await cluster.value() == "swordfish"
        await cluster.api.patch(f"{SECRETS}/one", {"metadata": {"labels": {"a": "b"}}})
        await cluster.api.create(SECRETS, secret("two"))
        await cluster.api("DELETE", f"{SECRETS}/two")
        disk = cluster.on_disk()
        assert ENCODED not in disk
        assert f"k8s:enc:{kind}:v1:key1:".encode() in disk
        assert b'"name":"plain"' in disk, "what is not named is not encrypted"
    async with serving(clock, tmp_path, config) as cluster:
        assert await cluster.value() == "swordfish"
        assert ENCODED not in cluster.on_disk()


async def test_keys_rotate_by_writing_again(clock: FakeClock, tmp_path: Path) -> None:
    config = write(tmp_path / "encryption.yaml", IDENTITY)
    async with serving(clock, tmp_path, config) as cluster:
        created = await cluster.api.create(SECRETS, secret())
        assert ENCODED in cluster.on_disk()
        write(config, provider("aesgcm", "new"), IDENTITY)
        cluster.sealing.look()
        found = (await cluster.api("GET", f"{SECRETS}/one")).body
        dry = await cluster.api("PUT", f"{SECRETS}/one?dryRun=All", found)
        assert dry.body["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]
        again = (await cluster.api("PUT", f"{SECRETS}/one", found)).body
        assert again["metadata"]["resourceVersion"] != created["metadata"]["resourceVersion"]
        assert b"k8s:enc:aesgcm:v1:new:" in cluster.on_disk()
        third = (await cluster.api("PUT", f"{SECRETS}/one", again)).body
        assert third["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"], "nothing is left to change"
    write(config, provider("aesgcm", "new"))
    async with serving(clock, tmp_path, config) as cluster:
        assert await cluster.value() == "swordfish"


async def test_what_no_provider_can_read_is_told_at_the_start(clock: FakeClock, tmp_path: Path) -> None:
    config = write(tmp_path / "encryption.yaml", provider("aescbc", "old"))
    async with serving(clock, tmp_path, config) as cluster:
        await cluster.api.create(SECRETS, secret())
    for providers in ((provider("aescbc", "other"),), (IDENTITY,)):
        write(config, *providers)
        with pytest.raises(StoreError, match=r"secrets/default/one: no provider of .* can read it"):
            async with serving(clock, tmp_path, config):
                pass
    wrong = provider("aescbc", "old", size=16)
    with pytest.raises(StoreError, match=r"secrets/default/one: cannot be decrypted"):
        async with serving(clock, tmp_path, write(config, wrong)):
            pass


async def test_a_ciphertext_belongs_to_its_object(tmp_path: Path, clock: FakeClock) -> None:
    config = write(tmp_path / "encryption.yaml", provider("aesgcm", "key1"))
    sealing = Sealing(config, clock=clock, log=Logger("test"))
    sealed = sealing.seal("/registry/core/secrets/default/one", b"{}")
    assert sealing.unseal("/registry/core/secrets/default/one", sealed) == b"{}"
    with pytest.raises(StoreError):
        sealing.unseal("/registry/core/secrets/default/two", sealed)


@pytest.mark.parametrize(
    ("resources", "encrypted"),
    [
        (("secrets",), {"core/secrets"}),
        (("*.",), {"core/secrets", "core/pods"}),
        (("*.apps",), {"apps/deployments"}),
        (("deployments.apps", "widgets.example.com"), {"apps/deployments", "example.com/widgets"}),
        (("*.*",), {"core/secrets", "core/pods", "apps/deployments", "example.com/widgets"}),
    ],
)
def test_resources_are_named_one_by_one_by_group_or_all(
    clock: FakeClock, tmp_path: Path, resources: tuple[str, ...], encrypted: set[str]
) -> None:
    config = write(tmp_path / "encryption.yaml", provider("aesgcm", "key1"), resources=resources)
    sealing = Sealing(config, clock=clock, log=Logger("test"))
    known = ("core/secrets", "core/pods", "apps/deployments", "example.com/widgets")
    assert {each for each in known if sealing.seal(f"/registry/{each}/default/x", b"v") != b"v"} == encrypted


def test_the_first_entry_that_names_a_resource_counts(clock: FakeClock, tmp_path: Path) -> None:
    header = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    entries = [
        {"resources": ["events"], "providers": [IDENTITY]},
        {"resources": ["*.*"], "providers": [provider("aesgcm", "key1")]},
    ]
    config = tmp_path / "encryption.yaml"
    config.write_text(yaml.safe_dump({**header, "resources": entries}))
    sealing = Sealing(config, clock=clock, log=Logger("test"))
    assert sealing.seal("/registry/core/events/default/x", b"v") == b"v"
    assert sealing.seal("/registry/core/pods/default/x", b"v") != b"v"


def test_the_box_is_that_of_nacl() -> None:
    # From NaCl's tests/secretbox: the first bytes of its message, whose box begins with this tag only for the whole of it.
    key = bytes.fromhex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
    nonce = bytes.fromhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
    message = bytes.fromhex(
        "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f4"
        "1db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52"
        "f0a089bc76897040e082f937763848645e0705"
    )
    box = bytes.fromhex(
        "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b"
        "4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da"
        "99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5"
    )
    assert salsa.seal(key, nonce, message) == box
    assert salsa.unseal(key, nonce, box) == message
    with pytest.raises(ValueError, match="does not open"):
        salsa.unseal(key, nonce, box[:-1] + b"x")


@pytest.mark.parametrize(
    ("providers", "resources", "told"),
    [
        ((), ("secrets",), "resources[0].providers: Required value"),
        ((provider("aescbc", "a", size=20),), ("secrets",), "secret is not of the expected length, got 20"),
        ((provider("secretbox", "a", size=16),), ("secrets",), "expected one of [32]"),
        ((provider("aescbc", "a", "a"),), ("secrets",), "Duplicate value"),
        (({"kms": {}},), ("secrets",), "key management services are not supported"),
        ((IDENTITY,), ("*",), "use '*.' to encrypt all the resources from core API group"),
        ((IDENTITY,), ("pods/status",), "subresources are kept with their objects"),
        ((IDENTITY,), (), "at least one resource must be specified"),
    ],
)
def test_a_wrong_configuration_is_told_without_telling_a_secret(
    clock: FakeClock, tmp_path: Path, providers: tuple[dict[str, Any], ...], resources: tuple[str, ...], told: str
) -> None:
    config = write(tmp_path / "encryption.yaml", *providers, resources=resources)
    with pytest.raises(ConfigurationError) as caught:
        Sealing(config, clock=clock, log=Logger("test"))
    assert told in str(caught.value)
    assert base64.b64encode(b"a....").decode()[:5] not in str(caught.value)
