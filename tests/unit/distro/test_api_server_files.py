"""`wherry up --config`: the files that the API server is pointed at."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from wherry.base.fake_clock import FakeClock
from wherry.distro.api_server_files import read_config_file, server_options
from wherry.distro.config import ClusterConfig, ConfigError, StateDirectory
from wherry.distro.control_plane import encryption, open_store
from wherry.distro.lifecycle import UpOptions, prepare
from wherry.store.port import StoreError


def write(path: Path, **section: object) -> Path:
    header = {"apiVersion": "wherry.dev/v1", "kind": "ClusterConfiguration"}
    path.write_text(yaml.safe_dump({**header, "apiServer": section}))
    return path


def test_files_are_found_beside_the_configuration_and_kept_with_the_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHERRY_HOME", str(tmp_path / "home"))
    (tmp_path / "policy.yaml").touch()
    path = write(tmp_path / "c.yaml", auditPolicy="policy.yaml", auditLog="log/audit.log", auditLogMaxBackups=3)
    settings = read_config_file(path)
    prepare(UpOptions(runtime="fake", api_server=settings))
    _, config, _ = prepare(UpOptions())
    assert config.api_server == settings
    audit = server_options(config.api_server)["audit"]
    assert (audit.policy, audit.log) == (tmp_path / "policy.yaml", tmp_path / "log/audit.log")
    assert (audit.rotation.megabytes, audit.rotation.backups) == (100, 3)
    _, config, _ = prepare(UpOptions(api_server={}))
    assert server_options(config.api_server) == {}, "an empty section takes it all away"


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"auditLog": "audit.log"}, "auditLog and auditWebhook need auditPolicy"),
        ({"tokenFile": "missing.csv"}, "there is no file"),
        ({"tokenfile": "missing.csv"}, "no such setting: there are admissionConfig, "),
        ({"auditLogMaxBackups": "many"}, "a number is expected"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path: Path, section: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read_config_file(write(tmp_path / "c.yaml", **section))


async def test_a_store_with_encrypted_objects_is_not_opened_without_their_keys(tmp_path: Path) -> None:
    key = {"name": "k", "secret": base64.b64encode(b"0" * 32).decode()}
    entry = {"resources": ["secrets"], "providers": [{"aesgcm": {"keys": [key]}}]}
    header = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    file = tmp_path / "encryption.yaml"
    file.write_text(yaml.safe_dump({**header, "resources": [entry]}))
    config = ClusterConfig(name="x", index=0, runtime="fake", port=1, api_server={"encryptionConfig": str(file)})
    state, clock = StateDirectory(tmp_path), FakeClock()
    store = await open_store(state, config, encryption(config, clock))
    await store.put("/registry/core/secrets/default/one", lambda revision: b'{"metadata":{}}', expected=0)
    await store.close()
    with pytest.raises(StoreError, match="start with --config and an encryptionConfig that has their keys"):
        await open_store(state, config)
    store = await open_store(state, config, encryption(config, clock))
    assert [entry.value for entry in store.range("/registry/").entries] == [b'{"metadata":{}}']
    await store.close()
