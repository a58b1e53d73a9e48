"""Kubeconfig files: merged as kubectl does, written as kind does."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.client import kubeconfig


def one(name: str, token: str = "t") -> dict[str, object]:
    return kubeconfig.entry(name, server=f"https://{name}:6443", ca=b"ca", token=token)


def test_the_first_file_wins_and_missing_files_are_empty(tmp_path: Path) -> None:
    kubeconfig.save(tmp_path / "a", one("x", "first"))
    kubeconfig.save(tmp_path / "b", one("x", "second") | {"current-context": "other"})
    config = kubeconfig.load([tmp_path / "none", tmp_path / "a", tmp_path / "b"])
    found = kubeconfig.connection(config)
    assert (found.server, found.token, found.ca, found.namespace) == ("https://x:6443", "first", b"ca", "default")


def test_merge_keeps_what_is_there_and_makes_the_new_context_current(tmp_path: Path) -> None:
    path = tmp_path / ".kube" / "config"
    kubeconfig.merge_into(path, one("work"))
    kubeconfig.merge_into(path, one("wherry", "old"))
    kubeconfig.merge_into(path, one("wherry", "new"))
    config = kubeconfig.load([path])
    assert [entry["name"] for entry in config["contexts"]] == ["work", "wherry"]
    assert kubeconfig.connection(config).token == "new"
    assert kubeconfig.connection(config, "work").server == "https://work:6443"
    assert path.stat().st_mode & 0o777 == 0o600
    assert not path.with_name("config.lock").exists()


def test_remove_takes_only_its_own(tmp_path: Path) -> None:
    path = tmp_path / "config"
    kubeconfig.merge_into(path, one("work"))
    kubeconfig.merge_into(path, one("wherry"))
    assert kubeconfig.remove_from(path, "wherry")
    assert not kubeconfig.remove_from(path, "wherry")
    config = kubeconfig.load([path])
    assert [entry["name"] for entry in config["clusters"]] == ["work"]
    assert config["current-context"] == ""


def test_file_references_are_relative_to_their_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(b"from a file")
    (tmp_path / "config").write_text(
        "clusters: [{name: c, cluster: {server: s, certificate-authority: ca.pem}}]\n"
        "contexts: [{name: c, context: {cluster: c, namespace: ns}}]\ncurrent-context: c\n"
    )
    found = kubeconfig.connection(kubeconfig.load([tmp_path / "config"]))
    assert (found.ca, found.namespace) == (b"from a file", "ns")


def test_paths_follow_the_environment(tmp_path: Path) -> None:
    assert kubeconfig.paths({"KUBECONFIG": "/a::/b"}) == [Path("/a"), Path("/b")]
    assert kubeconfig.paths({"HOME": "/h"}) == [Path("/h/.kube/config")]
    (tmp_path / "b").write_text("")
    assert kubeconfig.path_to_write({"KUBECONFIG": f"/none:{tmp_path}/b"}) == tmp_path / "b"
    assert kubeconfig.path_to_write({"KUBECONFIG": "/none:/other"}) == Path("/other")


def test_errors_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(kubeconfig.KubeconfigError, match="no context is set"):
        kubeconfig.connection(kubeconfig.load([]))
    with pytest.raises(kubeconfig.KubeconfigError, match='context "nope" does not exist'):
        kubeconfig.connection(kubeconfig.load([]), "nope")
    (tmp_path / "bad").write_text("a: [")
    with pytest.raises(kubeconfig.KubeconfigError, match="is not YAML"):
        kubeconfig.load([tmp_path / "bad"])
